import { type CanActivate, type ExecutionContext, Injectable, UnauthorizedException } from '@nestjs/common';

/** A request of a known customer. */
export interface CustomerRequest {
  user?: { readonly id: string };
}

/** Stands for a real login: whoever sends `Authorization: Bearer 7` is customer 7. */
@Injectable()
export class CustomerGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest<CustomerRequest & { headers: { authorization?: string } }>();
    const id = /^Bearer (\d{1,10})$/i.exec(request.headers.authorization ?? '')?.[1];
    if (id === undefined) throw new UnauthorizedException('Send Authorization: Bearer <customer id>');
    request.user = { id };
    return true;
  }
}

import { createHash, timingSafeEqual } from 'node:crypto';
import { Inject, Injectable, UnauthorizedException, type CanActivate, type ExecutionContext } from '@nestjs/common';
import type { Request } from 'express';
import type { Settings } from '../settings.js';
import { SETTINGS } from './settings.token.js';

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/** Lets in who has the token. Without one configured: everybody in development, nobody in production. */
@Injectable()
export class AdminGuard implements CanActivate {
  readonly #settings: Settings;

  constructor(@Inject(SETTINGS) settings: Settings) {
    this.#settings = settings;
  }

  canActivate(context: ExecutionContext): boolean {
    const { adminToken, development } = this.#settings;
    if (adminToken === undefined) {
      if (development) return true;
      throw new UnauthorizedException('Prices cannot be changed over HTTP: ADMIN_TOKEN is not set.');
    }
    const given = context.switchToHttp().getRequest<Request>().headers.authorization ?? '';
    // Digests, because they are of one length and tell nothing about how much of the token was right.
    if (timingSafeEqual(digest(given), digest(`Bearer ${adminToken}`))) return true;
    throw new UnauthorizedException('Send "Authorization: Bearer <ADMIN_TOKEN>".');
  }
}

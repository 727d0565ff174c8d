import { Catch, ServiceUnavailableException, type ArgumentsHost } from '@nestjs/common';
import { BaseExceptionFilter } from '@nestjs/core';
import { LockError } from '@strata-cache/nestjs';

/** Not granted in time, or lost before anything was written: nothing is wrong with the request, and it may be sent again. */
@Catch(LockError)
export class LockErrorsFilter extends BaseExceptionFilter {
  override catch(error: LockError, host: ArgumentsHost): void {
    super.catch(new ServiceUnavailableException(error.message), host);
  }
}

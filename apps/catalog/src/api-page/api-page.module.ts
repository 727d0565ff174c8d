import { Module } from '@nestjs/common';
import { ApiPageController } from './api-page.controller.js';

@Module({ controllers: [ApiPageController] })
export class ApiPageModule {}

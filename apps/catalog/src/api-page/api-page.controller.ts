import { createReadStream } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { Controller, Get, Header, NotFoundException, Param, StreamableFile } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';

// The Swagger UI that @nestjs/swagger depends on, found through that package: this app does not depend on it itself.
const swagger = createRequire(createRequire(import.meta.url).resolve('@nestjs/swagger/package.json'));
const FILES = dirname(swagger.resolve('swagger-ui-dist/package.json'));

const TYPES: Readonly<Record<string, string>> = {
  'swagger-ui.css': 'text/css; charset=utf-8',
  'swagger-ui-bundle.js': 'text/javascript; charset=utf-8',
};

const PAGE = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <title>Catalogue API</title>
    <link rel="stylesheet" href="/docs/swagger-ui.css">
  </head>
  <body>
    <div id="swagger-ui"></div>
    <script src="/docs/swagger-ui-bundle.js"></script>
    <script>SwaggerUIBundle({ url: '/docs-json', dom_id: '#swagger-ui' });</script>
  </body>
</html>
`;

/** The OpenAPI page. Nest's own needs @fastify/static on Fastify; this one is the same on both adapters. */
@ApiExcludeController()
@Controller('docs')
export class ApiPageController {
  @Get()
  @Header('Content-Type', 'text/html; charset=utf-8')
  page(): string {
    return PAGE;
  }

  @Get(':file')
  file(@Param('file') file: string): StreamableFile {
    const type = Object.hasOwn(TYPES, file) ? TYPES[file] : undefined;
    if (!type) throw new NotFoundException(`The API page has no file '${file}'`);
    return new StreamableFile(createReadStream(join(FILES, file)), { type });
  }
}

import type { FastifyInstance } from 'fastify';
import { NewProduct, Product, productListing, ProductPatch } from '@tenon/trading';
import type { Services } from '../services.ts';
import { collectionRoutes } from './collection-routes.ts';

/** `/v1/products`. */
export function productRoutes(app: FastifyInstance, { trading, cursors }: Services): void {
  const { products } = trading;
  collectionRoutes<Product>(
    app,
    {
      name: 'products',
      singular: 'product',
      description: 'Products',
      schemas: { entity: Product, create: NewProduct, replace: NewProduct, patch: ProductPatch },
      listing: productListing,
      scopes: { read: 'products:read', write: 'products:write' },
      notFoundCode: 'PRODUCT_NOT_FOUND',
      ownerOf: (id) => trading.ownerOf('products', id),
      list: (request) => products.list(request, cursors),
      get: (id) => products.get(id),
      create: async (body) => ({ entity: await products.create(body as NewProduct), created: true }),
      replace: (id, body, version) => products.replace(id, body as NewProduct, version),
      update: (id, body, version) => products.update(id, body as ProductPatch, version),
      remove: (id, version) => products.remove(id, version),
    },
    cursors,
  );
}

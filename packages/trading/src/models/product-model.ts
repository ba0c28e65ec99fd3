import type { InputProblem, Result } from '@tenon/core';
import { defineModel, type Model } from './define-model.ts';
import { NewProduct, Product, ProductPatch } from './product.ts';

const product: Model<Product> = defineModel(Product);
const newProduct: Model<NewProduct> = defineModel(NewProduct);
const productPatch: Model<ProductPatch> = defineModel(ProductPatch);

/** Checks a product. Parsing what was parsed changes nothing. */
export function parseProduct(input: unknown): Result<Product, readonly InputProblem[]> {
  return product.parse(input);
}

/** A product as JSON text: its fields in the order of the schema, and nothing else. */
export function encodeProduct(value: Product): string {
  return product.encode(value);
}

/** Reads a product from JSON text. */
export function decodeProduct(text: string): Result<Product, readonly InputProblem[]> {
  return product.decode(text);
}

/** Checks what a product is created from: text trimmed and in NFC, every problem at once. */
export function parseNewProduct(input: unknown): Result<NewProduct, readonly InputProblem[]> {
  return newProduct.parse(input);
}

/** Checks a change of a product. */
export function parseProductPatch(input: unknown): Result<ProductPatch, readonly InputProblem[]> {
  return productPatch.parse(input);
}

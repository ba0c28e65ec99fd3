import type { TenancyOptions } from './options.ts';
import type { Tenancy } from './tenancy.ts';
export declare function createTenancy<TSettings extends object>(options: TenancyOptions<TSettings>): Tenancy<TSettings>;

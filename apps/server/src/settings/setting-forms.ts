import { isIP } from 'node:net';
import type { SettingName } from './schema.ts';

/** What the value of a setting must be besides what its schema can say. The value has passed the schema. */
export const settingForms: Readonly<Partial<Record<SettingName, (value: unknown) => boolean>>> = {
  TENON_PUBLIC_URL: isUrl,
  TENON_DATABASE_URL: (value) => isUrl(value) && hasKnownSslMode(new URL(value as string)),
  TENON_REDIS_URL: isUrl,
  // Browsers send an origin in one form only, in which no port is the scheme's own; any other form would match nothing.
  TENON_CORS_ORIGINS: (value) => (value as readonly string[]).every((one) => isUrl(one) && new URL(one).origin === one),
  TENON_TRUSTED_PROXIES: (value) => (value as readonly string[]).every(isAddressOrNetwork),
};

function isUrl(value: unknown): boolean {
  return URL.canParse(value as string);
}

function hasKnownSslMode({ searchParams }: URL): boolean {
  return [null, 'disable', 'require', 'verify-full'].includes(searchParams.get('sslmode'));
}

function isAddressOrNetwork(text: string): boolean {
  const [address = '', bits, ...rest] = text.split('/');
  const family = isIP(address);
  if (family === 0 || rest.length > 0) return false;
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128));
}

/** The password in a URL, if it has one: before its host, or as a parameter. */
export function passwordIn(url: string): string | undefined {
  const { password, searchParams } = new URL(url);
  const given = password === '' ? (searchParams.get('password') ?? '') : decodeURIComponent(password);
  return given === '' ? undefined : given;
}

/** Whether a host is this machine, so that nobody stands between. */
export function isLoopback(host: string): boolean {
  const bare = host.replaceAll(/[[\]]/g, '').toLowerCase();
  // A path is that of a socket.
  return (
    bare === '' || bare === 'localhost' || bare === '::1' || /^127(?:\.\d{1,3}){3}$/.test(bare) || bare.startsWith('/')
  );
}

/** The password in a URL, if it has one: before its host, or as a parameter. */
export function passwordIn(url: string): string | undefined {
  const { password, searchParams } = new URL(url);
  const given = password === '' ? (searchParams.get('password') ?? '') : decodeURIComponent(password);
  return given === '' ? undefined : given;
}

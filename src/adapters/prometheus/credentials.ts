/** PROMETHEUS_TOKEN, for the origin of PROMETHEUS_URL and no other. */
export function prometheusCredentials(env: Readonly<Record<string, string | undefined>>): (origin: string) => Readonly<Record<string, string>> {
  const [url, token] = [env['PROMETHEUS_URL'] ?? '', env['PROMETHEUS_TOKEN'] ?? ''];
  return (origin) => (token !== '' && URL.parse(url)?.origin === origin ? { authorization: `Bearer ${token}` } : {});
}

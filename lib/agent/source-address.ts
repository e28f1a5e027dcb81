const pattern = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3}):(\d{1,5})$/;

/**
 * `host:port` of a node as the fleet list has it: a plain IPv4 address, so that nothing is looked up and
 * nothing has two spellings; never the metadata service's network, a broadcast or no address at all.
 */
export function parseSource(address: string): { host: string; port: number } | undefined {
  const parts = pattern.exec(address)?.slice(1) ?? [];
  const numbers = parts.map(Number);
  const [first = 0, second = 0, third = 0, fourth = 0, port = 0] = numbers;
  const isCanonical = parts.length === 5 && parts.every((part, i) => part === String(numbers[i]));
  const isAddress = [first, second, third, fourth].every((byte) => byte <= 255) && first !== 0;
  const isSpecial = first >= 224 || (first === 169 && second === 254);
  if (!isCanonical || !isAddress || isSpecial || port < 1 || port > 65_535) return undefined;
  return { host: parts.slice(0, 4).join('.'), port };
}

import { z } from 'zod/mini';

const CloudConfig = z.object({
  write_files: z.array(z.object({ path: z.string(), content: z.string() })),
});

/** What an instance's user data asks of the machine, as far as a process can honour it. */
export interface Boot {
  readonly environment: Readonly<Record<string, string>>;
  /** systemd's `RestartSec` of the unit with `Restart=always`; `undefined` when it is not restarted. */
  readonly restartSeconds: number | undefined;
}

const header = '#cloud-config\n';

/** Reads `#cloud-config` followed by one JSON document. Throws a sentence on any other user data. */
export function readUserData(base64: string): Boot {
  const text = Buffer.from(base64, 'base64').toString();
  if (!text.startsWith(header))
    throw new Error('user data is not #cloud-config followed by one JSON document');
  const { write_files } = z.parse(CloudConfig, JSON.parse(text.slice(header.length)));
  const unit = write_files.find(({ path }) => path.endsWith('.service'))?.content ?? '';
  const files = write_files.filter(({ path }) => path.endsWith('.env'));
  return {
    environment: Object.assign(
      environmentOfUnit(unit),
      ...files.map(({ content }) => Object.fromEntries(pairsIn(content.split('\n')))),
    ),
    restartSeconds: restartOf(unit),
  };
}

const pairsIn = (lines: readonly string[]): [string, string][] =>
  lines.flatMap((line) => {
    const found = /^\s*([A-Za-z_][A-Za-z0-9_]*)=(.*)$/.exec(line);
    return found?.[1] ? [[found[1], unquote(found[2] ?? '')]] : [];
  });

const unquote = (value: string): string => value.trim().replace(/^(["'])(.*)\1$/, '$2');

const environmentOfUnit = (unit: string): Record<string, string> =>
  Object.fromEntries(
    pairsIn([...unit.matchAll(/^Environment=(.*)$/gm)].map(([, pair]) => unquote(pair ?? ''))),
  );

function restartOf(unit: string): number | undefined {
  if (!/^Restart=(always|on-failure)/m.test(unit)) return undefined;
  return Number(/^RestartSec=(\d+(?:\.\d+)?)/m.exec(unit)?.[1] ?? 0.1);
}

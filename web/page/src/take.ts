// What can be taken away: the endpoints that are shown as CSV or JSON, and a line that calls a provider.
import { download, model } from './desk.ts';
import type { RecordData, Table } from './protocol.ts';

const COLUMNS = ['interface', 'group', 'version', 'role', 'protocol', 'address', 'namespace', 'pod', 'application', 'ready', 'problem', 'url'];

export async function takeTable(form: 'csv' | 'json') {
  const { columns, cells } = await model.ask<Table>({ do: 'table' });
  const rows = Array.from({ length: cells.length / columns }, (_, at) => cells.slice(at * columns, (at + 1) * columns));
  if (form === 'csv') download('dubbo.csv', csv([COLUMNS, ...rows]), 'text/csv');
  else download('dubbo.json', JSON.stringify(rows.map((row) => Object.fromEntries(row.map((cell, at) => [COLUMNS[at], cell]))), null, 1));
}

/** RFC 4180. A cell that a spreadsheet would take for a formula is kept from being one. */
export function csv(rows: string[][]): string {
  const cell = (text: string) => {
    const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
    return /[",\r\n']/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  };
  return rows.map((row) => row.map(cell).join(',')).join('\r\n') + '\r\n';
}

/** A line that calls a provider which speaks gRPC; none where a name has what a shell would read. */
export function grpcurl(record: RecordData): string | null {
  const { protocol = '', text = '', interface: name = '', params = [] } = record;
  if (!['tri', 'triple', 'grpc'].includes(protocol.toLowerCase())) return null;
  const method = params.find((one) => one.name === 'methods')?.value.split(',')[0] || 'Method';
  if (!/^[\w.:[\]-]+$/.test(text) || !/^[\w.]+$/.test(name) || !/^\w+$/.test(method)) return null;
  const address = text.includes('[') ? `'${text}'` : text;
  return `grpcurl -plaintext -d '{}' ${address} ${name}/${method}`;
}

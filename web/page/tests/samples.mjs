// Pods for the tests, written here and not by the page.
export const key = (service, category, url) => `/dubbo/${encodeURIComponent(service)}/${category}/${encodeURIComponent(url)}`;

export const annotation = (keys) => {
  const text = Buffer.from(JSON.stringify(keys.map((k) => ({ k, v: '' }))).replaceAll('&', '\\u0026').replaceAll('<', '\\u003c').replaceAll('>', '\\u003e'));
  const value = text.toString('base64url');
  return value + '='.repeat((4 - (value.length % 4)) % 4);
};

/** A Pod in JSON of one line, as a watch would bring it. */
export const pod = ({ name, namespace = 'prod', uid = '', records, label = 'dubbo.io-value', ip }) =>
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace, uid, resourceVersion: '42', labels: { 'dubbo.io/label': label }, annotations: { 'dubbo.io/annotation': annotation(records) } },
    status: { phase: 'Running', podIP: ip },
  });

/** An object in YAML as kubectl prints it: block style, names in order, quotes only where they are needed. */
export function kubectl(value, indent = '') {
  const lines = [];
  const plain = (text) => (/^[A-Za-z/][\w./=%~+-]*$/.test(text) && !/^(true|false|null|yes|no|on|off)$/i.test(text) ? text : JSON.stringify(text));
  const entries = Array.isArray(value) ? value.map((item) => ['-', item]) : Object.keys(value).sort().map((name) => [`${name}:`, value[name]]);
  for (const [head, of] of entries) {
    const empty = typeof of === 'object' && of !== null && Object.keys(of).length === 0;
    if (typeof of !== 'object' || of === null) lines.push(`${indent}${head} ${typeof of === 'string' ? plain(of) : of}`);
    else if (empty) lines.push(`${indent}${head} ${Array.isArray(of) ? '[]' : '{}'}`);
    else if (head === '-') lines.push(`${indent}- ${kubectl(of, `${indent}  `).trimStart()}`);
    else lines.push(`${indent}${head}\n${kubectl(of, Array.isArray(of) ? indent : `${indent}  `)}`);
  }
  return lines.join('\n');
}

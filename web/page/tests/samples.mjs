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

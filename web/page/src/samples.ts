// Two texts one click away: the article's own example, and a small registry in which things are wrong.

const article =
  'W3siayI6Ii9kdWJibyIsInYiOiIifSx7ImsiOiIvZHViYm8vY29tLmlrdXJlbnRvLnVzZXIuVXNlclByb3ZpZGVyIiwidiI6IiJ9LHsiayI6Ii9kdWJiby9jb20uaWt1cmVudG8udXNlci5Vc2VyUHJvdmlkZXIvY29uc3VtZXJzIiwidiI6IiJ9LHsiayI6Ii9kdWJibyIsInYiOiIifSx7ImsiOiIvZHViYm8vY29tLmlrdXJlbnRvLnVzZXIuVXNlclByb3ZpZGVyIiwidiI6IiJ9LHsiayI6Ii9kdWJiby9jb20uaWt1cmVudG8udXNlci5Vc2VyUHJvdmlkZXIvcHJvdmlkZXJzIiwidiI6IiJ9LHsiayI6Ii9kdWJiby9jb20uaWt1cmVudG8udXNlci5Vc2VyUHJvdmlkZXIvY29uc3VtZXJzL2NvbnN1bWVyJTNBJTJGJTJGMTcyLjE3LjAuOCUyRlVzZXJQcm92aWRlciUzRmNhdGVnb3J5JTNEY29uc3VtZXJzJTI2ZHViYm8lM0RkdWJib2dvLWNvbnN1bWVyLTIuNi4wJTI2cHJvdG9jb2wlM0RkdWJibyIsInYiOiIifV0=';

export const ARTICLE = `apiVersion: v1
kind: Pod
metadata:
  annotations:
    dubbo.io/annotation: ${article}
  labels:
    dubbo.io/label: dubbo.io-value
  name: client
  namespace: default
`;

interface PodSketch {
  name: string;
  ip: string;
  keys: [string, string, string][];
  label?: string | null;
  phase?: string;
  ready?: boolean;
  deleting?: boolean;
  annotation?: (value: string) => string;
}

function encode(records: unknown): string {
  const bytes = new TextEncoder().encode(JSON.stringify(records).replaceAll('&', '\\u0026'));
  const text = Array.from(bytes, (byte) => String.fromCharCode(byte)).join('');
  return btoa(text).replaceAll('+', '-').replaceAll('/', '_');
}

function pod(sketch: PodSketch): string {
  const escape = (text: string) => encodeURIComponent(text).replaceAll('%20', '+');
  const keys = sketch.keys.map(([service, category, url]) => `/dubbo/${service}/${category}/${escape(url)}`);
  const value = encode(keys.map((k) => ({ k, v: '' })));
  const label = sketch.label === undefined ? 'dubbo.io-value' : sketch.label;
  const lines = [
    '- metadata:',
    '    annotations:',
    `      dubbo.io/annotation: ${(sketch.annotation ?? ((v: string) => v))(value)}`,
    ...(label ? ['    labels:', `      dubbo.io/label: ${label}`] : []),
    ...(sketch.deleting ? ['    deletionTimestamp: "2026-11-22T11:33:27Z"'] : []),
    `    name: ${sketch.name}`,
    '    namespace: shop',
    '    resourceVersion: "25127"',
    `    uid: 20d1e052-2281-4df7-b890-${sketch.ip.replaceAll('.', '').padEnd(12, '0')}`,
    '  status:',
    `    phase: ${sketch.phase ?? 'Running'}`,
    `    podIP: ${sketch.ip}`,
    '    conditions:',
    '    - type: Ready',
    `      status: "${sketch.ready === false ? 'False' : 'True'}"`,
  ];
  return lines.join('\n');
}

const url = (protocol: string, ip: string, service: string, more = '') =>
  `${protocol}://${ip}:${protocol === 'tri' ? 50051 : 20000}/${service}?application=${service.split('.')[2] ?? 'app'}&interface=${service}&methods=Get,List,Create&release=dubbo-golang-1.5.7&side=provider&timestamp=1760000000${more}`;
const asks = (application: string, ip: string, service: string, more = '') =>
  `consumer://${ip}/${service}?application=${application}&interface=${service}&side=consumer${more}`;

const ORDER = 'com.example.order.OrderService';
const USER = 'com.example.user.UserService';
const PAY = 'com.example.payment.PaymentService';
const STOCK = 'com.example.stock.StockService';

/** A namespace on a bad day. */
export function troubled(): string {
  const pods: PodSketch[] = [
    { name: 'order-7c9f5d4f-2xk8p', ip: '10.244.1.11', keys: [
      [ORDER, 'providers', url('dubbo', '10.244.1.11', ORDER, '&version=1.0.0&weight=200')],
      [USER, 'consumers', asks('order', '10.244.1.11', USER)],
      [PAY, 'consumers', asks('order', '10.244.1.11', PAY, '&version=2.0.0')] ] },
    { name: 'order-7c9f5d4f-9rz2m', ip: '10.244.3.13', deleting: true, keys: [
      [ORDER, 'providers', url('dubbo', '10.244.3.13', ORDER, '&version=1.0.0')] ] },
    { name: 'user-5b8d6c7f9-hq4tv', ip: '10.244.2.7', keys: [
      [USER, 'providers', url('tri', '10.244.2.7', USER)],
      [USER, 'providers', url('tri', '10.244.2.7', USER)],
      [STOCK, 'consumers', asks('user', '10.244.2.7', STOCK)] ] },
    { name: 'user-5b8d6c7f9-zz81c', ip: '10.244.2.9', ready: false, keys: [
      [USER, 'providers', url('tri', '10.244.9.9', USER, '&owner=%E7%94%A8%E6%88%B7%E7%BB%84')] ] },
    { name: 'payment-6d4f8b9c5-kk2wd', ip: '10.244.1.20', keys: [
      [PAY, 'providers', url('dubbo', '10.244.1.20', PAY, '&version=1.0.0&methods.Refund.retries=0')] ] },
    { name: 'gateway-84c6d7f5b-x9v7n', ip: '10.244.4.4', annotation: (v) => v.replace(/=*$/, '').replaceAll('-', '+').replaceAll('_', '/'), keys: [
      [ORDER, 'consumers', asks('gateway', '10.244.4.4', ORDER, '&version=1.0.0&note=~~~%3F%3F%3Fÿÿ')] ] },
    { name: 'legacy-0', ip: '10.244.5.2', label: 'dubbo', keys: [
      ['com.example.legacy.Ledger', 'providers', url('dubbo', '10.244.5.2', 'com.example.legacy.Ledger', '&methods=Get%252CList')] ] },
    { name: 'report-job-28811-q7', ip: '10.244.5.9', annotation: (v) => v.slice(0, 120), keys: [
      [ORDER, 'consumers', asks('report', '10.244.5.9', ORDER)] ] },
  ];
  return ['apiVersion: v1', 'kind: PodList', 'items:', ...pods.map(pod), ''].join('\n');
}

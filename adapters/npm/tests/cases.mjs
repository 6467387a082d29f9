// What the package answers, wherever it runs: the same cases in Node and in a browser. `assert` has equal and throws.
export const URL_OF_A_PROVIDER = 'tri://10.0.0.1:50051/com.example.Greeter?group=live&weight=200&note=用户';

/** Tries all functions, and gives the names of the cases that were tried. */
export function tryAll({ decode, encode, parseUrl, problems, CodecError }, assert) {
  const cases = {
    'a URL that is encoded comes back as the record that it becomes': () => {
      const annotation = encode([{ url: URL_OF_A_PROVIDER }, { key: '/dubbo/a.B', value: 'v' }]);
      const { records, warnings } = decode(annotation);
      assert.equal(records[0].url, URL_OF_A_PROVIDER);
      assert.equal(`${records[0].interface} ${records[0].category}`, 'com.example.Greeter providers');
      assert.equal(JSON.stringify(records[1]), '{"key":"/dubbo/a.B","value":"v","interface":"a.B","category":null,"url":null}');
      assert.equal(encode(records), annotation);
      assert.equal(warnings.length, 0);
    },
    'an odd annotation is read with warnings at their places': () => {
      const { records, warnings } = decode('W3siayI6Ij8/PyIsInYiOiIifV0');
      assert.equal(records[0].key, '???');
      assert.equal(warnings.map(({ code, offset }) => `${code} ${offset}`).join(), 'standard-alphabet 11,missing-padding 27');
    },
    'what is refused is thrown with its place, what was expected and what was found': () => {
      const thrown = (call) => {
        try {
          call();
        } catch (error) {
          assert.equal(error instanceof CodecError && error instanceof Error && error.name === 'CodecError', true);
          return JSON.stringify([error.code, error.offset, error.decodedOffset, error.expected, error.found]);
        }
        return 'nothing';
      };
      assert.equal(thrown(() => decode('W3siayI6!')), '["not-base64",8,null,"base64",{"byte":33}]');
      assert.equal(thrown(() => decode('W3siayI6')), '["not-json",8,6,"value","end"]');
      assert.equal(thrown(() => decode('eyJrIjoxfQ==')), '["wrong-shape",0,0,"records",{"thing":"object"}]');
      assert.equal(thrown(() => parseUrl('tri://😀用户:x/a.B')), '["url-malformed",11,null,"port-number",{"byte":120}]');
      assert.equal(thrown(() => encode([{ url: 'nothing' }])), '["url-malformed",7,null,"protocol-end","end"]');
    },
    'messages are in the language that is asked for': () => {
      const message = (options) => problems('!!', options)[0].message;
      assert.equal(/^[\x20-\x7e]+$/.test(message()), true);
      assert.equal(/[\u4e00-\u9fff]/.test(message({ language: 'zh' })), true);
    },
    'a URL is taken apart': () => {
      const { protocol, host, port, path, parameters, service, weight, enabled, userinfo } = parseUrl(URL_OF_A_PROVIDER);
      assert.equal([protocol, host, port, path, weight, enabled, userinfo].join(), 'tri,10.0.0.1,50051,com.example.Greeter,200,true,');
      assert.equal(new Map(parameters).get('note'), '用户');
      assert.equal(JSON.stringify(service), '{"key":"live/com.example.Greeter","interface":"com.example.Greeter","group":"live","version":null}');
    },
    'problems are found in whatever is pasted, and name the Pod': () => {
      const pod = (name, value) => `{"kind":"Pod","metadata":{"name":"${name}","namespace":"n","labels":{"dubbo.io/label":"dubbo.io-value"},"annotations":{"dubbo.io/annotation":"${value}"}}}\n`;
      const consumer = encode([{ url: 'consumer://10.0.0.2/a.C' }]);
      const found = problems(pod('c', consumer) + pod('p', encode([{ url: URL_OF_A_PROVIDER }])) + pod('bad', '!!'));
      assert.equal(found.map(({ code, severity, pod, record }) => `${code} ${severity} ${pod} ${record}`).join(), 'consumer-without-provider error c 0,not-base64 error bad null');
      assert.equal(JSON.stringify([found[1].offset, found[1].place, found[1].expected, found[1].found]), '[0,"annotation","base64",{"byte":33}]');
      const [broken] = problems('{"kind":"用户",');
      assert.equal([broken.code, broken.offset, broken.place, broken.found].join(), 'source-syntax,13,text,end');
      assert.equal(problems({ kind: 'Pod', metadata: { name: 'a' } }).length, 0);
      assert.equal(problems({ kind: 'Deployment' })[0].code, 'not-a-pod');
      const [yaml] = problems('kind: Pod\nmetadata:\n  name: a\n');
      assert.equal([yaml.code, yaml.found.thing].join(), 'source-refused,yaml-unread');
      const utf16 = new Uint8Array(new Uint16Array([...'\ufeffhello world'].map((char) => char.charCodeAt(0))).buffer);
      assert.equal(problems(utf16)[0].code, 'not-base64');
      assert.equal(problems(new Uint8Array([0x1f, 0x8b, 8]))[0].code, 'source-refused');
    },
    'what is no text is a mistake of the caller': () => {
      for (const call of [() => decode(1), () => encode([{}]), () => encode([{ key: 1 }]), () => parseUrl(), () => problems(), () => problems(null)]) assert.throws(call, TypeError);
    },
  };
  for (const run of Object.values(cases)) run();
  return Object.keys(cases);
}

"""The component in Python: wasmtime's package loads it, and every function is called."""

import os
import unittest

from wasmtime import Engine, Store
from wasmtime.component import Component, Linker, Record, Variant

URL = "tri://10.0.0.1:50051/com.example.Greeter?group=live&weight=200&note=用户"


def record(**members):
    made = Record()
    for name, value in members.items():
        setattr(made, name, value)
    return made


class Codec:
    """The functions of one instance."""

    def __init__(self):
        engine = Engine()
        self.store = Store(engine)
        component = Component.from_file(engine, os.environ["CODEC_COMPONENT"])
        self.instance = Linker(engine).instantiate(self.store, component)
        self.interface = self.instance.get_export_index(self.store, "dubbo:codec/codec@0.1.0")

    def call(self, name, *arguments):
        index = self.instance.get_export_index(self.store, name, self.interface)
        function = self.instance.get_func(self.store, index)
        answer = function(self.store, *arguments)
        function.post_return(self.store)
        # A result is a variant where Python's types do not distinguish its two cases.
        return answer.payload if isinstance(answer, Variant) else answer


class Answers(unittest.TestCase):
    def setUp(self):
        self.codec = Codec()

    def test_a_url_that_is_encoded_is_decoded_and_taken_apart(self):
        entry = record(name=Variant("url", URL), value="")
        annotation = self.codec.call("encode", [entry])
        [entry] = self.codec.call("decode", annotation).entries
        self.assertEqual((entry.url, entry.category), (URL, "providers"))
        url = self.codec.call("parse-url", URL)
        self.assertEqual((url.host, url.port, url.service.key, url.weight), ("10.0.0.1", 50051, "live/com.example.Greeter", 200))

    def test_what_is_refused_has_its_place_what_was_expected_and_what_was_found(self):
        fault = self.codec.call("parse-url", "tri://用户:x/a.B")
        self.assertEqual((fault.code, fault.offset, fault.expected), ("url-malformed", 13, "port-number"))
        self.assertEqual((fault.found.tag, fault.found.payload), ("byte", 120))

    def test_problems_are_found_in_what_is_pasted(self):
        [problem] = self.codec.call("problems", b"!!", "chinese")
        self.assertEqual((problem.code, problem.severity, problem.offset), ("not-base64", "error", 0))


if __name__ == "__main__":
    unittest.main()

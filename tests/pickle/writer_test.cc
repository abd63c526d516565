// Trees as pickles of protocol 2: the bytes that CPython's pickler writes, without its needless memo entries.
#include "pickle/writer.h"

#include "pickle/pickle_builder.h"
#include "pickle/recorder.h"

namespace sconce::pickle::testing {
namespace {

using namespace std::string_literals;
using ::testing::HasSubstr;
using tree::ObjectRecord;

/// For trees that hold Python's own kinds only.
class NoTorch final : public Encoder {
 public:
  void encode(Writer&, NodeId) override { fail(ErrorCode::unsupported, "no value of Python"); }
  void resume(Writer&, NodeId, std::uint32_t) override {}
  void check_global(NodeId) override {}
  void check_object(NodeId) override {}
};

std::string written(const Document& document, NodeId root, int protocol = 2, const std::vector<bool>& left_out = {}) {
  NoTorch encoder;
  return Writer(document, encoder, left_out, protocol).run(root);
}

std::string literal(std::string_view body) { return std::string("\x80\x02").append(body).append("."); }

TEST(PickleWriter, IntegersTakeTheShortestForm) {
  Document document;
  const auto of = [&](std::int64_t value) { return written(document, document.integer(value)); };
  EXPECT_EQ(of(0), literal("K\0"s));
  EXPECT_EQ(of(255), literal("K\xff"));
  EXPECT_EQ(of(256), literal("M\0\1"s));
  EXPECT_EQ(of(65535), literal("M\xff\xff"));
  EXPECT_EQ(of(65536), literal("J\0\0\1\0"s));
  EXPECT_EQ(of(-1), literal("J\xff\xff\xff\xff"));
  EXPECT_EQ(of(INT32_MIN), literal("J\0\0\0\x80"s));
  EXPECT_EQ(of(std::int64_t{INT32_MAX} + 1), literal("\x8a\5\0\0\0\x80\0"s));
  EXPECT_EQ(of(std::int64_t{INT32_MIN} - 1), literal("\x8a\5\xff\xff\xff\x7f\xff"));
  EXPECT_EQ(of(INT64_MAX), literal("\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f"));
  EXPECT_EQ(of(INT64_MIN), literal("\x8a\x08\0\0\0\0\0\0\0\x80"s));
}

TEST(PickleWriter, BigIntegersUseLong1AndLong4) {
  Document document;
  const std::string nine(9, '\x11');
  EXPECT_EQ(written(document, document.big_integer(nine)), literal("\x8a\x09" + nine));
  const std::string many(300, '\x11');
  EXPECT_EQ(written(document, document.big_integer(many)), literal("\x8b\x2c\1\0\0"s + many));
}

TEST(PickleWriter, LeavesOfEveryKind) {
  Document document;
  EXPECT_EQ(written(document, document.none()), literal("N"));
  EXPECT_EQ(written(document, document.boolean(true)), literal("\x88"));
  EXPECT_EQ(written(document, document.floating(1.5)), literal("G\x3f\xf8\0\0\0\0\0\0"s));
  EXPECT_EQ(written(document, document.str("h\xc3\xa9")), literal("X\3\0\0\0h\xc3\xa9q\0"s));
  EXPECT_EQ(written(document, document.str("old", tree::StrKind::python2)), literal("U\3oldq\0"s));
  const std::string long_text(300, 'x');
  EXPECT_EQ(written(document, document.str(long_text, tree::StrKind::python2)),
            literal("T\x2c\1\0\0"s + long_text + "q\0"s));
  EXPECT_EQ(written(document, document.bytes("\xff")),
            literal("c_codecs\nencode\n" + "q\0X\2\0\0\0\xc3\xbfX\6\0\0\0latin1q\1\x86Rq\2"s));
  EXPECT_EQ(written(document, document.bytes("", true)), literal("c__builtin__\nbytearray\n" + "q\0)Rq\1"s));
  EXPECT_EQ(written(document, document.complex(0, 0)),
            literal("c__builtin__\ncomplex\n" + "q\0G\0\0\0\0\0\0\0\0G\0\0\0\0\0\0\0\0\x86Rq\1"s));
}

TEST(PickleWriter, ListsAreWrittenInGroupsOfAThousand) {
  Document document;
  const NodeId list = document.list();
  const std::vector<NodeId> ones(2001, document.integer(1));
  document.list_append(list, ones);
  std::string expected("]q\0(", 4);
  for (int group = 0; group < 2; ++group) {
    for (int at = 0; at < 1000; ++at) expected += "K\1";
    expected += group == 0 ? "e(" : "e";
  }
  EXPECT_EQ(written(document, list), literal(expected + "K\1a"));
}

TEST(PickleWriter, ASharedValueIsWrittenOnce) {
  Document document;
  const NodeId inner = document.list();
  const NodeId both[] = {inner, inner, document.str("a"), document.str("a")};
  EXPECT_EQ(written(document, document.tuple(both)), literal("(]q\0h\0X\1\0\0\0aq\1h\1tq\2"s));
}

TEST(PickleWriter, CyclesThroughListsDictsAndTuples) {
  Document document;
  const NodeId list = document.list();
  const NodeId tuple = document.tuple({&list, 1});
  const NodeId dict = document.dict(DictFlavor::ordered_dict);
  document.list_append(list, {&tuple, 1});
  document.list_append(list, {&list, 1});
  document.list_append(list, {&dict, 1});
  ASSERT_TRUE(document.dict_set(dict, document.str("self"), dict));
  const Ran ran = run(written(document, tuple));
  ASSERT_FALSE(ran.error) << ran.error->what();
  const NodeId read = ran.document->elements(ran.root())[0];
  const auto elements = ran.document->elements(read);
  EXPECT_EQ(elements[0], ran.root());
  EXPECT_EQ(elements[1], read);
}

TEST(PickleWriter, WhatNoPickleCanBuildIsRefused) {
  Document document;
  const NodeId set = document.set(Kind::set);
  ObjectRecord record;
  record.callable = document.global("m", "C", "m", "C");
  record.args = document.tuple({&set, 1});
  ASSERT_TRUE(document.dict_set(set, document.object(record), tree::kNoNode));
  EXPECT_THROW((void)written(document, set), Error);
}

TEST(PickleWriter, AMillionListsInsideOfOneAnother) {
  Document document;
  NodeId list = document.list();
  for (int depth = 0; depth < 1'000'000; ++depth) list = document.list({&list, 1});
  const std::string stream = written(document, list);
  EXPECT_TRUE(stream.ends_with("aaa."));
  Limits limits;
  limits.memory_base = std::uint64_t{1} << 30;
  EXPECT_FALSE(run(stream, limits).error);
}

TEST(PickleWriter, ObjectsAreReplayed) {
  const std::string stream = PickleBuilder(2)
                                 .raw("cm\nC\n(K\1K\2K\3K\4tR")
                                 .raw("}b")        // a state
                                 .raw("K\1a")      // one item
                                 .raw("(K\1K\2e")  // two
                                 .raw("(K\1K\2K\3K\4u")
                                 .raw("(K\7\x90")
                                 .stop();
  const Ran before = run(stream);
  const std::string again = written(*before.document, before.root());
  const Ran after = run(again);
  ASSERT_FALSE(after.error) << after.error->what();
  const ObjectRecord& one = before.document->object_record(before.root());
  const ObjectRecord& other = after.document->object_record(after.root());
  ASSERT_EQ(one.step_count, 5U);
  ASSERT_EQ(other.step_count, 5U);
  for (std::uint32_t at = 0; at < 5; ++at) EXPECT_EQ(one.steps[at].event, other.steps[at].event);
  EXPECT_EQ(written(*after.document, after.root()), again);
}

TEST(PickleWriter, NewObjectsAndOldInstances) {
  for (const std::string_view body : {"cm\nC\n)\x81", "cm\nC\n)}\x92", "(cm\nC\nK\1o", "(K\1im\nC\n"}) {
    const Ran before = run(literal(body));
    ASSERT_FALSE(before.error);
    const Ran after = run(written(*before.document, before.root()));
    ASSERT_FALSE(after.error) << after.error->what();
    EXPECT_EQ(after.document->class_name(after.root()), "m.C");
    EXPECT_EQ(after.document->elements(after.document->object_record(after.root()).args).size(),
              before.document->elements(before.document->object_record(before.root()).args).size());
  }
}

TEST(PickleWriter, NamesAreThoseOfPython2) {
  Document document;
  const auto of = [&](std::string_view module, std::string_view name) {
    return written(document, document.global(module, name, module, name));
  };
  EXPECT_THAT(of("builtins", "set"), HasSubstr("c__builtin__\nset\n"));
  EXPECT_THAT(of("builtins", "range"), HasSubstr("c__builtin__\nxrange\n"));
  EXPECT_THAT(of("builtins", "int"), HasSubstr("c__builtin__\nlong\n"));
  EXPECT_THAT(of("copyreg", "_reconstructor"), HasSubstr("ccopy_reg\n_reconstructor\n"));
  EXPECT_THAT(of("collections", "OrderedDict"), HasSubstr("ccollections\nOrderedDict\n"));
  EXPECT_THAT(of("io", "BytesIO"), HasSubstr("cio\nBytesIO\n"));
}

TEST(PickleWriter, ANameThatProtocol2CannotHoldNeedsProtocol4) {
  // `__builtin__` is a module of Python 2; a newer pickle that names it means another one.
  for (const PythonName name : {PythonName{"m", "Outer.Inner"}, {"m", "two\nlines"}, {"__builtin__", "thing"}}) {
    Document document;
    const NodeId global = document.global(name.module, name.name, name.module, name.name);
    EXPECT_TRUE(needs_protocol_4(name.module, name.name));
    EXPECT_THROW((void)written(document, global), Error);
    const Ran ran = run(written(document, global, 4));
    ASSERT_FALSE(ran.error) << ran.error->what();
    EXPECT_EQ(ran.document->global_record(ran.root()).python3_module, name.module);
    EXPECT_EQ(ran.document->global_record(ran.root()).python3_name, name.name);
  }
  EXPECT_FALSE(needs_protocol_4("builtins", "str"));
}

TEST(PickleWriter, EveryPython2NameReadsBackAsThePython3Name) {
  for (const std::string_view module : {"builtins", "copyreg", "queue", "dbm", "http.server", "socket", "pickle",
                                        "urllib.request", "subprocess", "collections", "tkinter", "itertools"})
    for (const std::string_view name : {"range", "str", "int", "Exception", "OSError", "thing", "filter", "UserDict"})
      if (const auto old = python2_name(module, name)) {
        const PythonName back = python3_name(old->module, old->name, 2);
        EXPECT_EQ(back.module, module);
        EXPECT_EQ(back.name, name);
      }
}

TEST(PickleWriter, WhatIsLeftOutIsNamed) {
  Document document;
  const NodeId bad = document.list();
  const NodeId dict = document.dict();
  ASSERT_TRUE(document.dict_set(dict, document.str("good"), document.none()));
  ASSERT_TRUE(document.dict_set(dict, document.str("bad"), bad));
  const NodeId both[] = {dict, bad};
  const NodeId root = document.list(both);
  std::vector<bool> left_out(document.node_count(), false);
  left_out[bad] = true;
  NoTorch encoder;
  Writer writer(document, encoder, left_out);
  EXPECT_EQ(writer.run(root), literal("]q\0(}q\1X\4\0\0\0goodq\2NsNe"s));
  EXPECT_EQ(writer.missing(), (std::vector<NodeId>{bad, bad}));
}

TEST(PickleWriter, AttributesStandBehindTheItems) {
  Document document;
  const NodeId dict = document.dict(DictFlavor::ordered_dict);
  ASSERT_TRUE(document.dict_set(document.dict_attributes(dict), document.str("a"), document.integer(1)));
  ASSERT_TRUE(document.dict_set(dict, document.str("k"), document.integer(2)));
  EXPECT_EQ(written(document, dict),
            literal("ccollections\nOrderedDict\n" + "q\0)Rq\1X\1\0\0\0kq\2K\2s}q\3X\1\0\0\0aq\4K\1sb"s));
  document.set_dict_flavor(dict, DictFlavor::dict);
  NoTorch encoder;
  const std::vector<bool> none;
  Writer writer(document, encoder, none);
  (void)writer.run(dict);
  EXPECT_EQ(writer.missing(), std::vector<NodeId>{dict});
}

}  // namespace
}  // namespace sconce::pickle::testing

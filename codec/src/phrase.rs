//! The phrases that errors are made of, in English and in 中文: what was expected, what was found, and
//! what is wrong with a YAML text.
//!
//! A phrase cannot be written without its translation, and knows nothing of what is made of it. What comes from outside is never one.

use alloc::borrow::Cow;
use alloc::string::{String, ToString};
use core::fmt::{self, Write as _};

use serde::de::{Deserialize, Deserializer, Error as _};
use serde::{Serialize, Serializer};

/// A language of the explanations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Language {
    /// English.
    #[default]
    English,
    /// 中文.
    Chinese,
}

impl Language {
    /// The language for a tag such as `zh-CN` or a locale such as `zh_CN.UTF-8`.
    pub fn of(tag: &str) -> Self {
        match tag.get(..2) {
            Some(start) if start.eq_ignore_ascii_case("zh") => Self::Chinese,
            _ => Self::English,
        }
    }
}

macro_rules! phrases {
    ($($name:ident: $english:literal, $chinese:literal;)*) => {
        /// A phrase of an error. Displays in English; serialises as its name, which never changes.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Phrase {
            $(#[doc = $english] $name,)*
        }

        /// The names of all, with a capital letter where a word begins.
        const NAMES: &[&str] = &[$(stringify!($name)),*];

        impl Phrase {
            /// Every phrase.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The phrase in English.
            pub const fn english(self) -> &'static str {
                match self {
                    $(Self::$name => $english,)*
                }
            }

            /// The phrase in 中文.
            pub const fn chinese(self) -> &'static str {
                match self {
                    $(Self::$name => $chinese,)*
                }
            }
        }
    };
}

phrases! {
    // What a value is.
    Array: "an array", "数组";
    False: "false", "false 值";
    More: "more", "更多内容";
    None: "none", "没有";
    Null: "null", "null 值";
    Number: "a number", "数字";
    Object: "an object", "对象";
    String: "a string", "字符串";
    True: "true", "true 值";
    AnotherKind: "another kind of object", "其他类型的对象";
    AnotherName: "another name", "其他名称";
    AnotherRoot: "another root", "其他根路径";
    SomethingElse: "something else", "其他内容";

    // Of what a place is one.
    TheKey: "the key", "该键";
    TheList: "the list", "该列表";
    TheText: "the text", "该文本";
    TheUrl: "the URL", "该 URL 文本";
    TheWatch: "the watch", "该监听流";

    // Base64.
    AnotherBase64: "another base64 character after this one", "其后还有 base64 字符";
    Base64: "a base64 character (A-Z a-z 0-9 - _)", "base64 字符（A-Z a-z 0-9 - _）";
    Base64NotPadding: "a base64 character, not padding", "base64 字符而非填充";
    NothingAfterPadding: "nothing after the padding", "填充之后没有内容";
    SecondPadding: "a second padding character (=)", "第二个填充字符（=）";
    StandardAlphabet: "the standard alphabet (+ /) used before", "前面使用的标准字母表（+ /）";
    TwoPadding: "padding of two characters (==)", "两个填充字符（==）";
    UrlSafeAlphabet: "the URL-safe alphabet (- _) used before", "前面使用的 URL 安全字母表（- _）";

    // JSON.
    ClosingQuote: "the closing quote of a string", "字符串的结束引号";
    ColonAfterName: "\":\" after a member name", "成员名之后的“:”";
    CommaAfterElement: "\",\" or \"]\" after an element", "元素之后的“,”或“]”";
    CommaAfterMember: "\",\" or \"}\" after a member", "成员之后的“,”或“}”";
    CommaAfterRecord: "\",\" or \"]\" after a record", "记录之后的“,”或“]”";
    Digit: "a digit", "数字字符";
    EndOfValue: "the end of a value", "值的结尾";
    Escape: "an escape sequence (\\\" \\\\ \\/ \\b \\f \\n \\r \\t \\u)", "转义序列（\\\" \\\\ \\/ \\b \\f \\n \\r \\t \\u）";
    FourHexDigits: "four hexadecimal digits after \\u", "\\u 之后的四个十六进制数字";
    Levels: "at most 10000 nested levels", "最多 10000 层嵌套";
    Literal: "true, false or null", "true、false 或 null";
    NameInQuotes: "a member name in quotes", "带引号的成员名";
    NothingAfterDocument: "nothing more in this document", "文档到此结束";
    RawControl: "a string without raw control characters", "不含原始控制字符的字符串";
    Utf8: "UTF-8 text", "UTF-8 文本";
    Value: "a value", "一个值";

    // The annotation and its records.
    AtMost4MiB: "at most 4 MiB", "最多 4 MiB";
    NoMoreUnreadable: "no more unreadable records in this Pod", "此 Pod 中没有更多不可读的记录";
    NothingAfterRecords: "nothing after the JSON array", "JSON 数组之后没有内容";
    Record: "a record ({\"k\":…,\"v\":…})", "记录（{\"k\":…,\"v\":…}）";
    Records: "an array of records", "记录数组";
    RecordsInJson: "a JSON array of records", "由记录组成的 JSON 数组";
    StringForK: "a string for \"k\"", "“k”为字符串";
    StringForV: "a string for \"v\"", "“v”为字符串";

    // Keys and URLs.
    Category: "a category (providers, consumers, routers or configurators)", "类别（providers、consumers、routers 或 configurators）";
    EscapedUrl: "an escaped URL as the last name (\"/\" is %2F there)", "最后一段为转义的 URL（其中“/”写作 %2F）";
    Host: "a host", "主机";
    Ipv6End: "the \"]\" of an IPv6 address", "IPv6 地址的“]”";
    NameBetweenSlashes: "a name between slashes", "斜杠之间的名称";
    Path: "a path that begins with \"/\"", "以“/”开头的路径";
    PathUnderRoot: "a path under /dubbo, where consumers look", "消费者所查找的 /dubbo 之下的路径";
    PortAfterIpv6: "\":\" and a port after the IPv6 address", "IPv6 地址之后的“:”和端口";
    PortNumber: "a port number", "端口号";
    PortTooLarge: "a port of at most 65535", "不超过 65535 的端口";
    Protocol: "a protocol, such as \"dubbo\"", "协议，如“dubbo”";
    ProtocolEnd: "\"://\" after the protocol", "协议之后的“://”";
    TwoHexDigits: "two hexadecimal digits after \"%\"", "“%”之后的两个十六进制数字";
    Utf8Escapes: "UTF-8 behind the escapes", "转义解码后为 UTF-8";

    // Who is believed.
    AnotherAddress: "another address", "其他地址";
    AnothersInterface: "an interface of another namespace", "其他命名空间的接口";
    HostName: "a host name", "主机名";
    LargerWeight: "a larger weight", "更大的权重";
    LinkLocalAddress: "a link-local address", "链路本地地址";
    LoopbackAddress: "a loopback address", "回环地址";
    MetadataAddress: "the address of a cloud's metadata service", "云元数据服务的地址";
    MulticastAddress: "a multicast address", "组播地址";
    OwnAddress: "an address of the Pod itself", "Pod 自身的地址";
    OwnInterface: "an interface that the Pod's namespace provides", "由该 Pod 的命名空间提供的接口";
    TranslatedAddress: "an address that is translated to another one", "会被转换为其他地址的地址";
    UnspecifiedAddress: "an unspecified address", "未指定地址";
    WeightWithinLimit: "a weight within the limit", "不超过上限的权重";
    WithinQuota: "no more records than the quota allows", "不超过配额的记录";

    // URLs that dubbo-go refuses.
    GoControlCharacter: "control character; it must be escaped", "控制字符必须转义";
    GoHost: "cannot stand in a host", "不能出现在主机中";
    GoHostEscape: "escape of an ASCII character in a host", "主机中不能转义 ASCII 字符";
    GoIpv6: "no IPv6 address in brackets", "方括号中不是 IPv6 地址";
    GoManyColons: "an IPv6 address needs brackets", "IPv6 地址必须加方括号";
    GoMissingPort: "a port is missing behind the brackets", "方括号之后缺少端口";
    GoPercentEscape: "two hexadecimal digits must follow; a percent sign is written %25", "其后必须是两个十六进制数字；百分号本身写作 %25";
    GoPort: "not a port", "不是端口号";
    GoProtocol: "a protocol and \"://\" must come first; a protocol begins with a letter", "必须以协议和“://”开头，协议以字母开头";
    GoSemicolon: "a semicolon in the query must be escaped", "查询中的分号必须转义";
    GoUserInfo: "must be escaped in a user or password", "在用户名或密码中必须转义";

    // What dubbo-go reads in another way.
    GoDefaultPrefix: "counts as if it stood there without `default.`", "视同没有 `default.` 前缀的参数";
    GoFragment: "what follows is no part of the parameters", "其后的内容不属于参数";
    GoHostList: "only the first host that has a port is called", "只调用第一个带端口的主机";
    GoIpv6Zone: "a zone means something only on the host itself", "区域标识只在本机有意义";
    GoNoPort: "without a port there is no address to call", "没有端口就没有可调用的地址";
    GoPathInterface: "stands for itself in a path", "在路径中代表其自身";
    GoProtocolCase: "the protocol is read in lower case", "协议按小写读取";
    GoZeroVersion: "a consumer that names no version does not take it", "未指定版本的消费者不会选用";

    // Why dubbo-go's consumer does not take a provider.
    GoNotEnabled: "the consumer is not enabled", "消费者未启用";
    GoOtherCategory: "another category", "类别不同";
    GoOtherGroup: "another group", "分组不同";
    GoOtherInterface: "another interface", "接口不同";
    GoOtherProtocol: "another protocol", "协议不同";
    GoOtherUser: "the provider's URL has a user or password, the consumer's has none", "提供者的 URL 带有用户名或密码，而消费者没有";
    GoOtherVersion: "another version", "版本不同";

    // YAML: what is wrong with it.
    AliasKey: "as a key is a list or a mapping, which JSON does not have", "作为键是列表或映射，JSON 中没有这样的键";
    AliasWithin: "is a part of what it names, or of what `<<` merges", "位于它所引用的内容之中，或在 `<<` 合并的内容之中";
    Aliases: "aliases that would repeat more than 4 MiB", "别名重复的内容将超过 4 MiB";
    AnchorName: "an anchor (&) or an alias (*) without a name", "锚点（&）或别名（*）没有名称";
    BadEscape: "an escape sequence that YAML does not have", "YAML 没有这样的转义序列";
    BracketNeverClosed: "a bracket that is never closed", "括号没有闭合";
    BracketUnopened: "a closing bracket that closes nothing", "多余的右括号";
    CannotBegin: "cannot begin a value", "不能作为值的开头";
    CannotGoOn: "not YAML from here on", "从这里起不是 YAML";
    ColonMisplaced: "a \":\" where none can be; quote the text that it belongs to", "此处不能有“:”；若属于文本请加引号";
    ColonMissing: "a key without \":\"", "键之后缺少“:”";
    CommaMissing: "\",\" or a closing bracket is missing", "缺少“,”或右括号";
    DashMisplaced: "\"-\" where no list can be", "此处不能有列表项“-”";
    DashMissing: "\"-\" of a list item is missing", "缺少列表项的“-”";
    EndsEarly: "the text ends too early", "文本提前结束";
    Indentation: "wrong indentation", "缩进不正确";
    KeyNotScalar: "a list or a mapping as a key, which JSON does not have", "列表或映射作为键，JSON 中没有这样的键";
    MergeNeedsMapping: "`<<` needs a mapping, or a list of them", "`<<` 需要映射或映射的列表";
    NoAnchor: "names no anchor above it", "所引用的锚点在上文中不存在";
    QuoteNeverClosed: "a quote that is never closed", "引号没有闭合";
    Tab: "a tab where spaces are needed", "此处应为空格而非制表符";
    TextBehindQuote: "text behind a closing quote", "结束引号之后有多余文本";
    TooDeep: "nested deeper than 128 levels", "嵌套超过 128 层";

    // What people paste.
    KubectlDescribe: "this is what `kubectl describe` prints, which shortens annotations", "这是 `kubectl describe` 的输出，其中的注解已被截短";
    KubectlError: "this is an error of kubectl", "这是 kubectl 的错误信息";
    KubectlNothing: "kubectl found no Pods there", "kubectl 在该处没有找到 Pod";
    Gzip: "compressed with gzip", "由 gzip 压缩";
    GzipDamaged: "the gzip data is cut short or damaged", "gzip 数据不完整或已损坏";
    NotText: "not UTF-8 text", "不是 UTF-8 文本";
    YamlUnread: "this is YAML, which is not read here; make JSON of it", "这是 YAML，此处不读取，请先转换为 JSON";
    KubectlTable: "this is a table of kubectl, which shows no annotations", "这是 kubectl 的表格，其中没有注解";

    // Protobuf.
    Bytes: "bytes with a length", "带长度的字节";
    Envelope: "Kubernetes' protobuf, which begins with \"k8s\" and a zero byte", "以“k8s”和零字节开头的 Kubernetes protobuf";
    FieldNumber: "a field number from 1 to 536870911", "1 到 536870911 的字段编号";
    FixedNumber: "a fixed number", "定长数字";
    Frame: "a frame of at most 128 MiB", "不超过 128 MiB 的帧";
    Group: "a group", "组";
    GroupBegun: "a field, or the end of a group that was begun", "字段，或已开始的组的结尾";
    GroupEnd: "the end of a group", "组的结尾";
    GroupLevels: "at most 100 nested groups", "最多 100 层嵌套的组";
    Html: "an HTML page", "HTML 页面";
    Json: "JSON", "JSON 文本";
    LengthWithin: "a length that stays within the message around it", "不超出外层消息的长度";
    MapKey: "the key of a map entry", "映射条目的键";
    MapValue: "the value of a map entry", "映射条目的值";
    OneRaw: "one object in the answer", "响应中只有一个对象";
    Protobuf: "protobuf", "protobuf 内容";
    Raw: "the bytes of an object", "对象的字节";
    RestOfField: "the rest of a field", "字段的其余部分";
    RestOfFrame: "the rest of a frame", "帧的其余部分";
    ShorterNumber: "a number of at most 10 bytes", "不超过 10 字节的数字";
    WireType: "a wire type of protobuf (0 to 5)", "protobuf 的线类型（0 到 5）";

    // Objects of Kubernetes.
    Bookmark: "a resourceVersion in a bookmark", "书签中的 resourceVersion";
    Condition: "a condition", "状态条件";
    ConditionStatus: "a string for a condition's status", "状态条件的 status 为字符串";
    ConditionType: "a string for a condition's type", "状态条件的 type 为字符串";
    Conditions: "an array of conditions", "状态条件数组";
    Event: "a watch event", "watch 事件";
    EventType: "the type of a watch event", "watch 事件的 type";
    EventTypes: "a type of ADDED, MODIFIED, DELETED, BOOKMARK or ERROR", "type 为 ADDED、MODIFIED、DELETED、BOOKMARK 或 ERROR";
    FlatObject: "a flat JSON object", "无嵌套的 JSON 对象";
    InitialEventsEnd: "a string for k8s.io/initial-events-end", "k8s.io/initial-events-end 为字符串";
    Ip: "an object with an ip", "含有 ip 的对象";
    Ips: "an array of addresses", "地址数组";
    Item: "an item", "列表项";
    Items: "an array of items", "列表项数组";
    Kind: "the kind of the object", "对象的 kind";
    KindOfList: "a string for the kind of the list", "列表的 kind 为字符串";
    List: "a list, which begins with \"{\"", "以“{”开头的列表";
    ListWithItems: "a list with items", "含有 items 的列表";
    MetadataOfList: "the metadata of the list", "列表的 metadata";
    NameInMetadata: "a name in metadata", "metadata 中的名称";
    NothingAfterList: "nothing after the list", "列表之后没有内容";
    NothingAfterObject: "nothing after the object", "对象之后没有内容";
    NothingAfterStatus: "nothing after the Status", "Status 之后没有内容";
    ObjectForAnnotations: "an object for annotations", "annotations 为对象";
    ObjectForLabels: "an object for labels", "labels 为对象";
    ObjectForMetadata: "an object for metadata", "metadata 为对象";
    ObjectForStatus: "an object for status", "status 为对象";
    NumberForCode: "a number for the code", "code 为数字";
    NumberForRemaining: "a number for remainingItemCount", "remainingItemCount 为数字";
    NumberForRetry: "a number for retryAfterSeconds", "retryAfterSeconds 为数字";
    Pod: "a Pod or its metadata", "Pod 或其元数据";
    PodList: "a list of Pods", "Pod 列表";
    RestOfList: "the rest of the list", "列表的其余部分";
    SmallerItem: "a smaller item (too large to hold)", "更小的列表项（过大，无法保存）";
    Status: "a Status", "Status 对象";
    StringForAnnotation: "a string for dubbo.io/annotation", "dubbo.io/annotation 为字符串";
    StringForDeletion: "a string for deletionTimestamp", "deletionTimestamp 为字符串";
    StringForIp: "a string for an address", "地址为字符串";
    StringForLabel: "a string for the label dubbo.io/label", "标签 dubbo.io/label 为字符串";
    StringForName: "a string for the name", "name 为字符串";
    StringForNamespace: "a string for the namespace", "namespace 为字符串";
    StringForPhase: "a string for the phase", "phase 为字符串";
    StringForUid: "a string for the uid", "uid 为字符串";
    StringForVersion: "a string for resourceVersion", "resourceVersion 为字符串";
    Strings: "an object of strings", "值均为字符串的对象";
    TimeForDeletion: "a time for deletionTimestamp", "deletionTimestamp 为时间";
}

impl Phrase {
    /// The phrase in this language.
    pub const fn text(self, language: Language) -> &'static str {
        match language {
            Language::English => self.english(),
            Language::Chinese => self.chinese(),
        }
    }
}

impl<'de> Deserialize<'de> for Phrase {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = Cow::<str>::deserialize(deserializer)?;
        Self::from_name(&name).ok_or_else(|| D::Error::custom("there is no such phrase"))
    }
}

impl Phrase {
    /// The name as which it is serialised, which never changes.
    pub fn name(self) -> String {
        Name(self).to_string()
    }

    /// The phrase of this name. Each name is written until one fits: a reader by names would have all of them once more.
    pub fn from_name(name: &str) -> Option<Self> {
        let named = |phrase: &&Self| {
            let mut rest = Rest(name);
            write!(rest, "{}", Name(**phrase)).is_ok() && rest.0.is_empty()
        };
        Self::ALL.iter().find(named).copied()
    }
}

impl Serialize for Phrase {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&Name(*self))
    }
}

/// Displays the name as which a phrase is serialised: in kebab case.
struct Name(Phrase);

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == Phrase::AtMost4MiB {
            return f.write_str("at-most-4-mib");
        }
        let name = NAMES.get(self.0 as usize).copied().unwrap_or_default();
        for (at, letter) in name.char_indices() {
            if at > 0 && letter.is_ascii_uppercase() {
                f.write_char('-')?;
            }
            f.write_char(letter.to_ascii_lowercase())?;
        }
        Ok(())
    }
}

/// What is left of a text; what is written to it must be its beginning.
struct Rest<'a>(&'a str);

impl fmt::Write for Rest<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0 = self.0.strip_prefix(text).ok_or(fmt::Error)?;
        Ok(())
    }
}

impl fmt::Display for Phrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.english())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locales_choose_the_language() {
        for (tag, language) in [
            ("zh-CN", Language::Chinese),
            ("zh_TW.UTF-8", Language::Chinese),
            ("ZH", Language::Chinese),
            ("en", Language::English),
            ("C", Language::English),
            ("", Language::English),
            ("é", Language::English),
        ] {
            assert_eq!(Language::of(tag), language, "{tag}");
        }
    }
}

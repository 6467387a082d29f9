//! The explanations of the problem codes, one place for both languages.
//!
//! Each is a title of a few words and an advice: what follows from it, and the way out.

use super::Code;
use crate::fault::Stage;
use crate::phrase::Language;
use crate::warning::WarningCode;

impl Code {
    /// The problem in a few words.
    pub fn title(self, language: Language) -> &'static str {
        of(self).title(language)
    }

    /// What follows from it, and the way out.
    pub fn advice(self, language: Language) -> &'static str {
        of(self).advice(language)
    }
}

struct Texts {
    english: [&'static str; 2],
    chinese: [&'static str; 2],
}

impl Texts {
    const fn title(&self, language: Language) -> &'static str {
        match language {
            Language::English => self.english[0],
            Language::Chinese => self.chinese[0],
        }
    }

    const fn advice(&self, language: Language) -> &'static str {
        match language {
            Language::English => self.english[1],
            Language::Chinese => self.chinese[1],
        }
    }
}

const fn texts(english: [&'static str; 2], chinese: [&'static str; 2]) -> Texts {
    Texts { english, chinese }
}

const fn of(code: Code) -> Texts {
    match code {
        Code::Refused(stage) => refused(stage),
        Code::Odd(warning) => odd(warning),
        other => found(other),
    }
}

const fn refused(stage: Stage) -> Texts {
    match stage {
        Stage::Base64 => texts(
            [
                "The annotation is not base64",
                "The whole Pod is skipped. Look for a character that was added or lost when the value was copied.",
            ],
            ["注解不是 base64", "整个 Pod 会被跳过。请检查复制时多出或丢失的字符。"],
        ),
        Stage::Utf8 => texts(
            [
                "The decoded annotation is not text",
                "The whole Pod is skipped. The value was probably compressed, encrypted or cut.",
            ],
            ["注解解码后不是文本", "整个 Pod 会被跳过。该值可能被压缩、加密或截断。"],
        ),
        Stage::Json => texts(
            [
                "The decoded annotation is not JSON",
                "The whole Pod is skipped. A value that ends early was cut; otherwise the place shows what is wrong.",
            ],
            [
                "注解解码后不是 JSON",
                "整个 Pod 会被跳过。提前结束说明该值被截断；否则请看标出的位置。",
            ],
        ),
        Stage::Shape => texts(
            [
                "The JSON is not a list of records",
                "Expected [{\"k\":\"<key>\",\"v\":\"<value>\"},…]. The whole Pod is skipped.",
            ],
            ["JSON 不是记录列表", "应为 [{\"k\":\"<键>\",\"v\":\"<值>\"},…]。整个 Pod 会被跳过。"],
        ),
        Stage::Protobuf => texts(
            [
                "The Pod as the server sent it is not Kubernetes' protobuf",
                "The whole Pod is skipped. Something between the server and the reader cut or changed the answer.",
            ],
            [
                "服务器发来的 Pod 不是 Kubernetes 的 protobuf",
                "整个 Pod 会被跳过。服务器与读取方之间有环节截断或改动了响应。",
            ],
        ),
    }
}

const fn odd(warning: WarningCode) -> Texts {
    match warning {
        WarningCode::StandardAlphabet => texts(
            [
                "Standard base64 alphabet (+ /)",
                "dubbo-go reads only the URL-safe alphabet (- _) and skips this Pod. Write it again to repair it.",
            ],
            [
                "使用了标准 base64 字母表（+ /）",
                "dubbo-go 只认 URL 安全字母表（- _），会跳过这个 Pod。重新编码即可修复。",
            ],
        ),
        WarningCode::MissingPadding => texts(
            [
                "base64 without its padding (=)",
                "dubbo-go refuses it and skips this Pod. Add the padding to repair it.",
            ],
            ["base64 缺少填充（=）", "dubbo-go 会拒绝并跳过这个 Pod。补上填充即可修复。"],
        ),
        WarningCode::LineBreak => texts(
            [
                "Line break inside the base64",
                "Go ignores line breaks, other readers may not. Remove them.",
            ],
            ["base64 中有换行", "Go 会忽略换行，其他读取方未必。请去掉换行。"],
        ),
        WarningCode::TrailingBits => texts(
            [
                "Stray bits at the end of the base64",
                "They are ignored. The value was cut or written by an unusual encoder.",
            ],
            ["base64 末尾有多余的位", "会被忽略。该值可能被截断，或由不规范的编码器写出。"],
        ),
        WarningCode::MemberCase => texts(
            [
                "Member name in another case than k, v",
                "Go accepts it, other readers may not. Write it again to repair it.",
            ],
            ["成员名大小写不是 k、v", "Go 能接受，其他读取方未必。重新编码即可修复。"],
        ),
        WarningCode::UnknownMember => texts(
            [
                "Member that is neither k nor v",
                "It is ignored and will be lost when the annotation is written again.",
            ],
            ["成员名既不是 k 也不是 v", "会被忽略，重新写入时会丢失。"],
        ),
        WarningCode::DuplicateMember => texts(
            ["Member given twice in one record", "The last one counts."],
            ["同一记录中成员重复", "以最后一个为准。"],
        ),
        WarningCode::MissingMember => texts(
            ["Record without k or without v", "The missing one is read as empty."],
            ["记录缺少 k 或 v", "缺少的按空值读取。"],
        ),
        WarningCode::NullMember => texts(
            ["null instead of a text", "It leaves the value as it was: empty."],
            ["值为 null 而非文本", "保持原值，即空。"],
        ),
        WarningCode::NullElement => texts(
            [
                "null instead of a record",
                "dubbo-go holds a nil pointer here; it is read as an empty record.",
            ],
            ["记录为 null", "dubbo-go 在此得到空指针；这里按空记录读取。"],
        ),
        WarningCode::NullDocument => texts(
            [
                "null instead of a list",
                "It is read as no records: the process has registered nothing.",
            ],
            ["列表为 null", "按没有记录读取：该进程没有注册任何内容。"],
        ),
        WarningCode::InvalidUtf8 => texts(
            ["Bytes that are not UTF-8", "Each is read as U+FFFD; what was meant is lost."],
            ["含有非 UTF-8 字节", "每个字节按 U+FFFD 读取，原意已丢失。"],
        ),
        WarningCode::LoneSurrogate => texts(
            ["Half of a surrogate pair", "It is read as U+FFFD; what was meant is lost."],
            ["不成对的代理项", "按 U+FFFD 读取，原意已丢失。"],
        ),
        WarningCode::More => texts(
            [
                "More oddities follow",
                "Only the first ones are listed. Write the annotation again to remove them all.",
            ],
            ["还有更多异常", "只列出前面一部分。重新编码可以全部消除。"],
        ),
    }
}

#[expect(clippy::too_many_lines, reason = "a table of texts")]
const fn found(code: Code) -> Texts {
    match code {
        Code::KeyMalformed => texts(
            [
                "Key that is no registry path",
                "Expected /<root>/<interface>/<category>/<escaped URL>. The record is ignored by readers.",
            ],
            ["键不是注册中心路径", "应为 /<根>/<接口>/<类别>/<转义的 URL>。读取方会忽略该记录。"],
        ),
        Code::UrlMalformed => texts(
            [
                "Key whose URL cannot be read",
                "The record names no endpoint. Its other records still count.",
            ],
            ["键中的 URL 无法解析", "该记录不指向任何端点，其他记录仍然有效。"],
        ),
        Code::DubboGoRefusesUrl => texts(
            [
                "URL that dubbo-go refuses",
                "Its consumers never see this provider, and only their log says so. Write the URL as the place asks.",
            ],
            [
                "dubbo-go 拒绝的 URL",
                "其消费者看不到该提供者，只在日志中留下一行。请按标出的位置改写 URL。",
            ],
        ),
        Code::DubboGoReadsOtherwise => texts(
            [
                "URL that dubbo-go reads in another way",
                "It works, but perhaps not as it was meant for dubbo-go's consumers.",
            ],
            [
                "dubbo-go 会以另一种方式读取该 URL",
                "可以使用，但对 dubbo-go 的消费者而言未必如原意。",
            ],
        ),
        Code::DubboGoTakesNoProvider => texts(
            [
                "dubbo-go's consumer takes none of the providers",
                "The service is provided. dubbo-go also compares protocol and user, a group list is one name, and version 0.0.0 is not the same as none.",
            ],
            [
                "dubbo-go 的消费者不会选用任何提供者",
                "该服务有提供者，但 dubbo-go 还会比较协议和用户；分组列表视为一个名称，版本 0.0.0 与未指定版本不同。",
            ],
        ),
        Code::InterfaceMismatch => texts(
            [
                "The key and its URL name different interfaces",
                "Consumers find it under the key's interface, and call the URL's.",
            ],
            ["键与 URL 的接口不一致", "消费者按键中的接口查找，却调用 URL 中的接口。"],
        ),
        Code::CategoryMismatch => texts(
            ["The key and its URL name different categories", "The key decides where it is found."],
            ["键与 URL 的类别不一致", "以键中的类别为准。"],
        ),
        Code::DoubleEncoded => texts(
            [
                "Parameter percent-encoded twice",
                "dubbo-go wrote it so up to 1.5.3. Readers of today see the escapes.",
            ],
            ["参数被百分号编码两次", "dubbo-go 1.5.3 及以前如此写入，如今的读取方会看到转义符。"],
        ),
        Code::DuplicateRecord => texts(
            [
                "Record that stands there twice",
                "It costs space in the annotation and does nothing else. Remove the copy.",
            ],
            ["重复的记录", "只占用注解空间，没有其他作用。请删除多余的一条。"],
        ),
        Code::AddressNotPod => texts(
            [
                "The provider's address is not the Pod's",
                "A Pod is believed about its own addresses only, so it reaches no consumer here; dubbo-go calls it all the same. Check DUBBO_IP_TO_REGISTRY, host networking, or a record copied from elsewhere; --address admits others.",
            ],
            [
                "提供者地址不是该 Pod 的地址",
                "只相信 Pod 自身的地址，因此这里的消费者得不到它；dubbo-go 仍会调用。请检查 DUBBO_IP_TO_REGISTRY、主机网络，或是从别处复制的记录；--address 可允许其他地址。",
            ],
        ),
        Code::WeightOverLimit => texts(
            [
                "The provider's weight is over the limit",
                "It counts as the limit (10,000 unless --max-weight says otherwise), so that one Pod cannot take all traffic.",
            ],
            [
                "提供者的权重超过上限",
                "按上限计算（默认 10,000，可用 --max-weight 修改），以免一个 Pod 占据全部流量。",
            ],
        ),
        Code::NotOwner => texts(
            [
                "Another namespace owns the interface",
                "It reaches no consumer here: --own names the namespaces whose Pods provide this interface.",
            ],
            [
                "该接口属于其他命名空间",
                "这里的消费者得不到它：--own 指定哪些命名空间的 Pod 提供该接口。",
            ],
        ),
        Code::OverQuota => texts(
            [
                "More records than the quota allows",
                "What is over it reaches no consumer here, so that others keep their room. Register less in this Pod or namespace, or raise --pod-quota or --namespace-quota.",
            ],
            [
                "记录超过配额",
                "超出部分到不了这里的消费者，以便为其他注册者保留空间。请减少该 Pod 或命名空间的注册，或调高 --pod-quota、--namespace-quota。",
            ],
        ),
        Code::LabelMissing => texts(
            [
                "Annotation without the label dubbo.io/label",
                "Nobody selects this Pod, so what it registers is not found. Set the label to dubbo.io-value.",
            ],
            [
                "有注解但没有标签 dubbo.io/label",
                "没有人会选中这个 Pod，注册内容无法被发现。请将标签设为 dubbo.io-value。",
            ],
        ),
        Code::LabelUnknown => texts(
            [
                "Unknown value of dubbo.io/label",
                "Known are dubbo.io-value, dubbo.io.provider and dubbo.io.consumer; no other value is selected.",
            ],
            [
                "dubbo.io/label 的值未知",
                "已知的有 dubbo.io-value、dubbo.io.provider、dubbo.io.consumer；其他值不会被选中。",
            ],
        ),
        Code::AnnotationMissing => texts(
            [
                "Label without the annotation",
                "The process has not registered yet, or another writer removed its annotation.",
            ],
            ["有标签但没有注解", "该进程尚未注册，或注解被删除。"],
        ),
        Code::ProviderTerminating => texts(
            [
                "Provider in a Pod that is being deleted",
                "dubbo-go goes on calling it until the Pod is gone.",
            ],
            ["提供者所在的 Pod 正在终止", "在 Pod 消失之前，dubbo-go 会继续调用它。"],
        ),
        Code::ProviderEnded => texts(
            [
                "Provider in a Pod that has ended",
                "dubbo-go goes on calling it until the Pod is deleted.",
            ],
            ["提供者所在的 Pod 已结束", "在 Pod 被删除之前，dubbo-go 会继续调用它。"],
        ),
        Code::ProviderNotReady => texts(
            ["Provider in a Pod that is not ready", "Kubernetes sends it no traffic, Dubbo does."],
            ["提供者所在的 Pod 未就绪", "Kubernetes 不给它流量，Dubbo 会给。"],
        ),
        Code::AnnotationsNearLimit => texts(
            [
                "The annotations are close to their limit",
                "The server refuses more than 262,144 bytes of all annotations together. Remove duplicates, split the process.",
            ],
            ["注解总大小接近上限", "服务器拒绝总计超过 262,144 字节的注解。请去重或拆分进程。"],
        ),
        Code::AnnotationsTooLarge => texts(
            [
                "The annotations are over their limit",
                "The server refuses more than 262,144 bytes of all annotations together; this cannot be written.",
            ],
            ["注解总大小超过上限", "服务器拒绝总计超过 262,144 字节的注解，无法写入。"],
        ),
        Code::ConsumerWithoutProvider => texts(
            [
                "Consumer without a provider",
                "No Pod here provides this interface. Look at other namespaces and at refused Pods.",
            ],
            ["消费者没有提供者", "这里没有 Pod 提供该接口。请查看其他命名空间以及被拒绝的 Pod。"],
        ),
        Code::GroupOrVersionMismatch => texts(
            [
                "Group or version does not match",
                "The interface is provided, but not in the group and version that is asked for.",
            ],
            ["分组或版本不匹配", "该接口有提供者，但分组或版本与请求的不同。"],
        ),
        Code::ProtocolMismatch => texts(
            [
                "Protocol does not match",
                "The interface is provided, but not over the protocol that is asked for.",
            ],
            ["协议不匹配", "该接口有提供者，但协议与请求的不同。"],
        ),
        Code::ProviderInOtherNamespace => texts(
            [
                "Provider in another namespace only",
                "dubbo-go reads its own namespace. Name the others in DUBBO_NAMESPACE of the consumer.",
            ],
            [
                "提供者只在其他命名空间",
                "dubbo-go 只读取自己的命名空间。请在消费者的 DUBBO_NAMESPACE 中列出其他命名空间。",
            ],
        ),
        Code::NoUsableProvider => texts(
            [
                "No provider takes calls",
                "The service is provided, but every provider of it is passed over. Look at the reason.",
            ],
            ["没有可用的提供者", "该服务有提供者，但都会被略过。请查看原因。"],
        ),
        Code::NotANumber => texts(
            ["Parameter that is not a number", "Its default counts instead."],
            ["参数不是数字", "将使用其默认值。"],
        ),
        Code::ProviderDisabled => texts(
            [
                "Provider that takes no calls",
                "It says of itself that it is disabled, or that its weight is 0.",
            ],
            ["不接受调用的提供者", "它声明自己已禁用，或权重为 0。"],
        ),
        Code::NameInvalid => texts(
            [
                "Name that no Kubernetes object can have",
                "No command is made from it. The text was changed, or is not from a server.",
            ],
            ["不合法的 Kubernetes 名称", "不会用它生成命令。文本被改动过，或不是来自服务器。"],
        ),
        Code::SourceSyntax => texts(
            ["The text cannot be read to its end", "What stands before the place is shown."],
            ["文本无法读到结尾", "出错位置之前的内容已显示。"],
        ),
        Code::SourceRefused => texts(
            [
                "The text is refused",
                "It is larger, deeper or in another encoding than the inspector is willing to read.",
            ],
            ["文本被拒绝", "它过大、嵌套过深，或使用了不支持的编码。"],
        ),
        Code::SourcePrinted => texts(
            [
                "kubectl printed this for people to read",
                "Annotations are shortened or missing in it. Run the command instead, and paste what that prints.",
            ],
            [
                "这是 kubectl 打印给人看的内容",
                "其中的注解被截短或没有。请改为运行该命令，并粘贴其输出。",
            ],
        ),
        Code::JavaMetadata => texts(
            [
                "Registration of Dubbo Java",
                "io.dubbo/metadata is read by Dubbo Java's service discovery; dubbo-go does not look at it.",
            ],
            [
                "Dubbo Java 的注册",
                "io.dubbo/metadata 由 Dubbo Java 的服务发现读取，dubbo-go 不会查看它。",
            ],
        ),
        Code::PodTwice => texts(
            ["The same Pod again", "The last one of the text is shown, and counts once."],
            ["同一个 Pod 多次出现", "以文本中最后一次为准，只计一次。"],
        ),
        // The rest, in the end: refusals and oddities have their own functions.
        _ => texts(
            ["An object that is no Pod", "The registry lives in Pods only; it was passed over."],
            ["不是 Pod 的对象", "注册中心只存在于 Pod 中，已跳过。"],
        ),
    }
}

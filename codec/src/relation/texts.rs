//! Why a consumer does not call a provider, in a few words of either language.

use alloc::string::{String, ToString};

use super::obstacle::{Mismatch, Obstacle};
use crate::phrase::Language;

impl Obstacle {
    /// The reason in a few words.
    pub const fn title(self, language: Language) -> &'static str {
        let [english, chinese] = match self {
            Self::Interface => ["other interface", "接口不同"],
            Self::Group => ["other group", "分组不同"],
            Self::Version => ["other version", "版本不同"],
            Self::Protocol => ["other protocol", "协议不同"],
            Self::Category => ["other category", "类别不同"],
            Self::Namespace => ["other namespace", "命名空间不同"],
            Self::NotSelected => ["label is not selected", "标签未被选中"],
            Self::Refused => ["dubbo-go refuses it", "被 dubbo-go 拒绝"],
            Self::Ended => ["Pod has ended", "Pod 已结束"],
            Self::Terminating => ["Pod is terminating", "Pod 正在终止"],
            Self::NotReady => ["Pod is not ready", "Pod 未就绪"],
            Self::NotBelieved => ["address is not the Pod's", "地址不是该 Pod 的"],
            Self::Disabled => ["disabled", "已禁用"],
            Self::NoWeight => ["weight is 0", "权重为 0"],
            Self::Tag => ["other tag", "标签路由不同"],
        };
        match language {
            Language::English => english,
            Language::Chinese => chinese,
        }
    }
}

impl Mismatch {
    /// The reason, and the two values side by side if there are any.
    pub fn text(&self, language: Language) -> String {
        let mut text = self.obstacle.title(language).to_string();
        if self.asked.is_empty() && self.found.is_empty() {
            return text;
        }
        let none = if language == Language::Chinese { "无" } else { "none" };
        let value =
            |value: &str| if value.is_empty() { none.to_string() } else { value.to_string() };
        text.push_str(": ");
        text.push_str(&value(&self.asked));
        text.push_str(" ≠ ");
        text.push_str(&value(&self.found));
        text
    }
}

//! Why a consumer does not call a provider, in a few words of either language.

use alloc::string::{String, ToString};

use super::{Mismatch, Obstacle};
use crate::phrase::Language;

pub(super) const fn title(of: Obstacle, language: Language) -> &'static str {
    let [english, chinese] = match of {
        Obstacle::Interface => ["other interface", "接口不同"],
        Obstacle::Group => ["other group", "分组不同"],
        Obstacle::Version => ["other version", "版本不同"],
        Obstacle::Protocol => ["other protocol", "协议不同"],
        Obstacle::Category => ["other category", "类别不同"],
        Obstacle::Namespace => ["other namespace", "命名空间不同"],
        Obstacle::NotSelected => ["label is not selected", "标签未被选中"],
        Obstacle::Refused => ["dubbo-go refuses it", "被 dubbo-go 拒绝"],
        Obstacle::Ended => ["Pod has ended", "Pod 已结束"],
        Obstacle::Terminating => ["Pod is terminating", "Pod 正在终止"],
        Obstacle::NotReady => ["Pod is not ready", "Pod 未就绪"],
        Obstacle::NotBelieved => ["address is not the Pod's", "地址不是该 Pod 的"],
        Obstacle::Disabled => ["disabled", "已禁用"],
        Obstacle::NoWeight => ["weight is 0", "权重为 0"],
        Obstacle::Tag => ["other tag", "标签路由不同"],
    };
    match language {
        Language::English => english,
        Language::Chinese => chinese,
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

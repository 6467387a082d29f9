//! The cast: who provides and consumes what in the simulated cluster.

use crate::registration::{Registration, Side};

/// A Deployment of one application.
#[derive(Debug)]
pub(crate) struct Deployment {
    pub(crate) namespace: &'static str,
    pub(crate) name: &'static str,
    /// How many Pods it has at the start.
    pub(crate) replicas: usize,
    /// The application's name as it stands in its URLs.
    application: &'static str,
    services: &'static [Service],
    parameters: &'static [(&'static str, &'static str)],
}

#[derive(Debug)]
struct Service {
    side: Side,
    protocol: &'static str,
    port: u16,
    interface: &'static str,
    group: &'static str,
    version: &'static str,
    methods: &'static [&'static str],
}

const fn provides(
    protocol: &'static str,
    port: u16,
    interface: &'static str,
    group: &'static str,
    version: &'static str,
    methods: &'static [&'static str],
) -> Service {
    Service { side: Side::Provider, protocol, port, interface, group, version, methods }
}

const fn consumes(
    interface: &'static str,
    group: &'static str,
    version: &'static str,
    methods: &'static [&'static str],
) -> Service {
    Service {
        side: Side::Consumer,
        protocol: "consumer",
        port: 0,
        interface,
        group,
        version,
        methods,
    }
}

const ORDERS: &[&str] = &["CreateOrder", "GetOrder", "ListOrders", "CancelOrder"];
const STOCK: &[&str] = &["Reserve", "Release", "Available"];
const PAYMENTS: &[&str] = &["Authorize", "Capture", "Refund"];

/// The one whose annotation gets broken.
pub(crate) const SPOILED: usize = 4;

/// Everything that runs.
pub(crate) const DEPLOYMENTS: [Deployment; 8] = [
    Deployment {
        namespace: "shop",
        name: "order-service",
        replicas: 3,
        application: "order-center",
        services: &[
            provides("dubbo", 20880, "com.example.shop.OrderService", "", "1.0.0", ORDERS),
            provides("tri", 50051, "com.example.shop.OrderService", "", "2.0.0", ORDERS),
            consumes("com.example.shop.StockService", "", "1.0.0", STOCK),
            consumes("com.example.payments.PaymentService", "live", "1.0.0", PAYMENTS),
        ],
        parameters: &[("retries", "2"), ("timeout", "3000")],
    },
    Deployment {
        namespace: "shop",
        name: "stock-service",
        replicas: 2,
        application: "stock-center",
        services: &[provides("dubbo", 20880, "com.example.shop.StockService", "", "1.0.0", STOCK)],
        parameters: &[("weight", "100"), ("warmup", "100")],
    },
    Deployment {
        namespace: "shop",
        name: "notify-service",
        replicas: 2,
        application: "消息中心",
        services: &[provides(
            "dubbo",
            20881,
            "com.example.shop.NotifyService",
            "短信",
            "1.0.0",
            &["Send", "Template"],
        )],
        parameters: &[("owner.team", "平台组"), ("region", "华东-1 & 备用")],
    },
    Deployment {
        namespace: "shop",
        name: "storefront",
        replicas: 2,
        application: "storefront",
        services: &[
            consumes("com.example.shop.OrderService", "", "1.0.0", ORDERS),
            consumes("com.example.shop.NotifyService", "短信", "1.0.0", &["Send"]),
        ],
        parameters: &[("check", "false")],
    },
    Deployment {
        namespace: "shop",
        name: "legacy-reports",
        replicas: 1,
        application: "reports",
        services: &[provides(
            "dubbo",
            20880,
            "com.example.shop.ReportService",
            "",
            "",
            &["Daily", "Monthly"],
        )],
        parameters: &[],
    },
    Deployment {
        namespace: "payments",
        name: "payment-service",
        replicas: 3,
        application: "payment-core",
        services: &[
            provides(
                "dubbo",
                20880,
                "com.example.payments.PaymentService",
                "live",
                "1.0.0",
                PAYMENTS,
            ),
            provides(
                "rest",
                8080,
                "com.example.payments.PaymentService",
                "live",
                "1.0.0",
                PAYMENTS,
            ),
            consumes("com.example.payments.RiskService", "", "3.1.0", &["Score"]),
        ],
        parameters: &[("timeout", "1500"), ("dubbo.tag", "pci")],
    },
    Deployment {
        namespace: "payments",
        name: "payment-sandbox",
        replicas: 1,
        application: "payment-core",
        services: &[provides(
            "dubbo",
            20880,
            "com.example.payments.PaymentService",
            "sandbox",
            "1.0.0",
            PAYMENTS,
        )],
        parameters: &[("timeout", "5000")],
    },
    Deployment {
        namespace: "payments",
        name: "risk-service",
        replicas: 2,
        application: "风控引擎",
        services: &[provides(
            "tri",
            50051,
            "com.example.payments.RiskService",
            "",
            "3.1.0",
            &["Score", "Explain"],
        )],
        parameters: &[("model", "梯度提升-v7")],
    },
];

impl Deployment {
    /// The registry's label, by dubbo-go 1.5's two values.
    pub(crate) fn label(&self) -> &'static str {
        let provides = self.services.iter().any(|service| service.side == Side::Provider);
        if provides { "dubbo.io.provider" } else { "dubbo.io.consumer" }
    }

    /// The hash of the Pod template, another one for each roll.
    pub(crate) fn template_hash(&self, generation: u32) -> String {
        let mut state = u64::from(generation);
        for byte in self.name.bytes() {
            state = state.wrapping_mul(31).wrapping_add(u64::from(byte));
        }
        let mixed = dubbo_k8s_codec::random::Random::new(state).bits();
        format!("{:010x}", mixed & 0xff_ffff_ffff)
    }

    /// The keys that a Pod with this address registers.
    pub(crate) fn keys(&self, ip: &str, timestamp: u64) -> Vec<String> {
        let keys = self.services.iter().map(|service| {
            Registration {
                side: service.side,
                protocol: service.protocol,
                interface: service.interface,
                group: service.group,
                version: service.version,
                ip,
                port: service.port,
                application: self.application,
                methods: service.methods,
                timestamp,
                parameters: self.parameters,
            }
            .key()
        });
        keys.collect()
    }
}

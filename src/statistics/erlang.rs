//! Waiting for one of several servers: Erlang's formulas for M/M/c.
//!
//! Arrivals are Poisson, service times exponential, c servers serve one queue in order of arrival; `offered` is arrival rate ×
//! mean service time in Erlang. Stable only for offered < c. Breaks for bursts of arrivals with one cause, such as the incidents
//! of one outage: those wait longer.
//!
//! Source: Erlang 1917; model.md §7, V22 and V23.

/// P(all servers are busy | arrivals that find them busy are lost), by the stable recursion `B_c = aB_{c−1}/(c + aB_{c−1})`.
/// O(servers).
pub fn erlang_b(servers: u32, offered: f64) -> f64 {
    (1..=servers).fold(1.0, |b, c| offered * b / (f64::from(c) + offered * b))
}

/// P(an arrival has to wait), `C = cB/(c − a(1 − B))`; 1 where the servers cannot keep up. O(servers).
pub fn erlang_c(servers: u32, offered: f64) -> f64 {
    let c = f64::from(servers);
    if offered >= c {
        return 1.0;
    }
    let b = erlang_b(servers, offered);
    c * b / (c - offered * (1.0 - b))
}

/// Mean wait before service begins, `C·S/(c − a)`, in the unit of the service time; `None` where the queue grows without end.
pub fn mean_wait(servers: u32, offered: f64, service: f64) -> Option<f64> {
    let c = f64::from(servers);
    (offered < c).then(|| erlang_c(servers, offered) * service / (c - offered))
}

#[cfg(test)]
mod tests {
    use super::super::testing::assert_close;
    use super::*;

    #[test]
    fn v22_and_v23_responders() {
        assert!((erlang_c(3, 1.5) - 0.236_842_1).abs() < 5e-8);
        assert!((erlang_c(2, 1.5) - 0.642_857_1).abs() < 5e-8);
        assert!((mean_wait(3, 1.5, 180.0).expect("stable") - 28.421_05).abs() < 5e-6);
        assert!((mean_wait(2, 1.5, 180.0).expect("stable") - 231.428_57).abs() < 5e-6);
    }

    #[test]
    fn one_server_has_the_closed_form() {
        // M/M/1: the chance to wait is the load, the wait a/(1 − a) service times.
        assert_close(erlang_c(1, 0.6), 0.6, 1e-15);
        assert_close(mean_wait(1, 0.6, 10.0).expect("stable"), 15.0, 1e-14);
    }

    #[test]
    fn sign_off_capacity_of_the_model_page() {
        // 120 reviews of 20 minutes in eight hours: five Erlang.
        assert_eq!((mean_wait(4, 5.0, 20.0), erlang_c(5, 5.0)), (None, 1.0));
        assert!((mean_wait(6, 5.0, 20.0).expect("stable") - 11.8).abs() < 0.05);
        assert!((mean_wait(8, 5.0, 20.0).expect("stable") - 1.1).abs() < 0.05);
    }
}

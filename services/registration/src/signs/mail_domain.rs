//! Mail services that anybody may use: one of their domains says nothing of where a person works.

const FREE: &[&str] = &[
    "126.com",
    "163.com",
    "aol.com",
    "foxmail.com",
    "gmail.com",
    "gmx.com",
    "gmx.de",
    "gmx.net",
    "googlemail.com",
    "hotmail.com",
    "icloud.com",
    "live.com",
    "mail.com",
    "mail.ru",
    "me.com",
    "msn.com",
    "naver.com",
    "outlook.com",
    "proton.me",
    "protonmail.com",
    "qq.com",
    "sina.com",
    "web.de",
    "yahoo.com",
    "yandex.ru",
    "yeah.net",
];

pub fn is_free(domain: &str) -> bool {
    FREE.binary_search(&domain).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_in_the_order_that_the_search_needs() {
        assert!(FREE.is_sorted());
        assert!(FREE.iter().all(|domain| is_free(domain)));
        assert!(!is_free("uni.example"));
    }
}

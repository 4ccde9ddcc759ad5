/*
 * lib/conf/alert_conf.c - the settings of [alert] that need a second look. No I/O.
 */
#include "lib/conf/alert_conf.h"

#include <string.h>

#include "lib/base/parse.h"
#include "lib/http/web_url.h"
#include "lib/mail/address.h"

enum { STAGES_MAX = 8 };

bool
alert_conf_stages(const struct conf *conf, unsigned *days, size_t max, size_t *count)
{
    size_t listed = conf_list_count(conf, ACCOUNT_PASSWORD_WARNING);

    *count = 0;
    for (size_t i = 0; i < listed && *count < max; i++) {
        uint64_t value;

        if (parse_u64(slice_of(conf_list_item(conf, ACCOUNT_PASSWORD_WARNING, i)), ALERT_STAGE_MAX,
                      &value) < 0 ||
            value == 0)
            return false;
        for (size_t k = 0; k < *count; k++)
            if (days[k] == value)
                return false;
        days[(*count)++] = (unsigned)value;
    }
    return *count == listed;
}

int
alert_conf_check(const struct conf *conf, struct strbuf *errors)
{
    size_t before = errors->len;
    struct address address;
    unsigned days[STAGES_MAX];
    struct web_url url;
    size_t count;

    for (size_t i = 0; i < conf_list_count(conf, ALERT_RECIPIENTS); i++) {
        const char *item = conf_list_item(conf, ALERT_RECIPIENTS, i);

        if (address_parse(slice_of(item), 0, &address) != ADDRESS_OK)
            (void)strbuf_printf(errors, "alert.recipients: '%s' is no address\n", item);
    }
    if (conf_str(conf, REPORT_MAILBOX)[0] != '\0' &&
        address_parse(slice_of(conf_str(conf, REPORT_MAILBOX)), 0, &address) != ADDRESS_OK)
        (void)strbuf_printf(errors, "report.mailbox: '%s' is no address\n",
                            conf_str(conf, REPORT_MAILBOX));
    if (conf_str(conf, PUSH_URL)[0] != '\0' &&
        web_url_parse(slice_of(conf_str(conf, PUSH_URL)), &url) < 0)
        (void)strbuf_printf(errors, "push.url: '%s' is no URL\n", conf_str(conf, PUSH_URL));
    for (size_t i = 0; i < conf_list_count(conf, ALERT_WEBHOOKS); i++) {
        const char *item = conf_list_item(conf, ALERT_WEBHOOKS, i);

        if (web_url_parse(slice_of(item), &url) < 0)
            (void)strbuf_printf(errors,
                                "alert.webhooks: '%s' is no URL: expected http or https, "
                                "://HOST[:PORT]/PATH\n",
                                item);
    }
    if (conf_list_count(conf, ALERT_WEBHOOKS) > ALERT_WEBHOOKS_MAX)
        (void)strbuf_printf(errors, "alert.webhooks: more than %d\n", ALERT_WEBHOOKS_MAX);
    if (!alert_conf_stages(conf, days, STAGES_MAX, &count))
        (void)strbuf_printf(errors,
                            "account.password_warning: expected at most %d different "
                            "numbers of days\n",
                            STAGES_MAX);
    return errors->len == before ? 0 : -1;
}

const char *
alert_conf_service_trouble(const struct conf *conf, const struct services *services)
{
    if (conf_list_count(conf, ALERT_RECIPIENTS) == 0 &&
        conf_list_count(conf, ALERT_WEBHOOKS) == 0 && conf_str(conf, REPORT_MAILBOX)[0] == '\0' &&
        conf_str(conf, PUSH_URL)[0] == '\0')
        return NULL;
    for (size_t i = 0; i < services->count; i++)
        if (strcmp(services->rows[i].program, "alertd") == 0 && services->rows[i].automatic)
            return NULL;
    return "services.conf starts no alertd, so nobody is told of alerts and of mail and gets "
           "reports: add the "
           "section [alert] "
           "(program = alertd, user = alert, socket = alert.sock 0600), or empty "
           "alert.recipients, alert.webhooks, report.mailbox and push.url";
}

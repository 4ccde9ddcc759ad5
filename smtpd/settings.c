/*
 * smtpd/settings.c - takes smtpd's settings out of the configuration, once, before any session.
 */
#include "lib/base/mem.h"
#include "smtpd/server.h"

static void
load_trusted_hosts(struct settings *settings, const struct conf *conf)
{
    size_t count = conf_list_count(conf, SMTP_TRUSTED_HOSTS);

    settings->trusted_hosts = xcalloc(count + 1, sizeof(*settings->trusted_hosts));
    settings->trusted_count = count;
    for (size_t i = 0; i < count; i++) /* the table has looked at them */
        assert_always(cidr_parse(slice_of(conf_list_item(conf, SMTP_TRUSTED_HOSTS, i)),
                                 &settings->trusted_hosts[i]) == 0);
}

bool
settings_trust(const struct settings *settings, const char *client_ip)
{
    struct cidr client; /* one address is a network of all its bits */

    if (cidr_parse(slice_of(client_ip), &client) < 0)
        return false;
    for (size_t i = 0; i < settings->trusted_count; i++)
        if (cidr_has(&settings->trusted_hosts[i], &client.net))
            return true;
    return false;
}

static int64_t
milliseconds(const struct conf *conf, enum conf_id id)
{
    return (int64_t)conf_u64(conf, id); /* the table's range is far below INT64_MAX */
}

void
settings_load(struct settings *settings, const struct conf *conf)
{
    const char *helo_name = conf_str(conf, SMTP_HELO_NAME);
    const char *banner = conf_str(conf, SYSTEM_BANNER);

    *settings = (struct settings){
        .hostname = helo_name[0] != '\0' ? helo_name : conf_str(conf, SYSTEM_HOSTNAME),
        .banner = banner[0] != '\0' ? banner : "Posthorn",
        .mechanisms = mechanisms_new(conf),
        .starttls = conf_bool(conf, SMTP_STARTTLS),
        .close_relay = conf_bool(conf, SMTP_CLOSE_RELAY),
        .from_must_match_auth = conf_bool(conf, SMTP_FROM_MUST_MATCH_AUTH),
        .no_cleartext_auth = conf_bool(conf, SMTP_NO_CLEARTEXT_AUTH),
        .no_auth_on_25 = conf_bool(conf, SMTP_NO_AUTH_ON_25),
        .plain_on_loopback = conf_bool(conf, AUTH_PLAIN_ON_LOOPBACK),
        .reject_early_talkers = conf_bool(conf, SMTP_REJECT_EARLY_TALKERS),
        .max_recipients = conf_u64(conf, SMTP_MAX_RECIPIENTS),
        .max_message_size = conf_u64(conf, SMTP_MAX_MESSAGE_SIZE),
        .max_header_size = conf_u64(conf, SMTP_MAX_HEADER_SIZE),
        .max_line = conf_u64(conf, SMTP_MAX_LINE),
        .max_hops = conf_u64(conf, SMTP_MAX_HOPS),
        .max_rset = conf_u64(conf, SMTP_MAX_RSET),
        .max_errors = conf_u64(conf, SMTP_MAX_ERRORS),
        .min_free_space = conf_u64(conf, SMTP_MIN_FREE_SPACE),
        .greet_delay_ms = milliseconds(conf, SMTP_GREET_DELAY),
        .command_timeout_ms = milliseconds(conf, SMTP_COMMAND_TIMEOUT),
        .data_timeout_ms = milliseconds(conf, SMTP_DATA_TIMEOUT),
        .transfer_timeout_ms = milliseconds(conf, SMTP_TRANSFER_TIMEOUT),
        .tls_timeout_ms = milliseconds(conf, SMTP_TLS_TIMEOUT),
    };
    load_trusted_hosts(settings, conf);
    filter_settings_load(&settings->filters, conf);
}

/*
 * smtpd/settings.c - takes smtpd's settings out of the configuration, once, before any session.
 */
#include <string.h>

#include "lib/base/mem.h"
#include "smtpd/extensions.h"
#include "smtpd/server.h"

enum { REPLY_LINE_MAX = 512 };

/* Its items, borrowed from `conf`. */
static const char **
load_list(const struct conf *conf, enum conf_id id, size_t *count)
{
    const char **items;

    *count = conf_list_count(conf, id);
    items = xcalloc(*count + 1, sizeof(*items));
    for (size_t i = 0; i < *count; i++)
        items[i] = conf_list_item(conf, id, i);
    return items;
}

static int64_t
milliseconds(const struct conf *conf, enum conf_id id)
{
    return (int64_t)conf_u64(conf, id); /* the table's range is far below INT64_MAX */
}

/* Cut to one reply line (RFC 5321 section 4.5.3.1.5). */
static char *
make_greeting(const char *hostname, const char *protocol, const char *banner)
{
    int room = REPLY_LINE_MAX - (int)(strlen("220   \r\n") + strlen(protocol) + strlen(hostname));

    return xasprintf("220 %s %s %.*s\r\n", hostname, protocol, room,
                     banner[0] != '\0' ? banner : "Posthorn");
}

void
settings_load(struct settings *settings, const struct conf *conf)
{
    const char *helo_name = conf_str(conf, SMTP_HELO_NAME);

    *settings = (struct settings){
        .hostname = helo_name[0] != '\0' ? helo_name : conf_str(conf, SYSTEM_HOSTNAME),
        .system_hostname = conf_str(conf, SYSTEM_HOSTNAME),
        .mechanisms = mechanisms_new(conf),
        .starttls = conf_bool(conf, SMTP_STARTTLS),
        .add_sender_header = conf_bool(conf, SMTP_ADD_SENDER_HEADER),
        .add_originating_ip = conf_bool(conf, SMTP_ADD_ORIGINATING_IP),
        .hide_client_ip = conf_bool(conf, SMTP_HIDE_CLIENT_IP),
        .add_auth_user = conf_bool(conf, SMTP_ADD_AUTH_USER),
        .no_cleartext_auth = conf_bool(conf, SMTP_NO_CLEARTEXT_AUTH),
        .no_auth_on_25 = conf_bool(conf, SMTP_NO_AUTH_ON_25),
        .plain_on_loopback = conf_bool(conf, AUTH_PLAIN_ON_LOOPBACK),
        .reject_pipelining = conf_bool(conf, SMTP_REJECT_PIPELINING),
        .max_header_size = conf_u64(conf, SMTP_MAX_HEADER_SIZE),
        .max_line = conf_u64(conf, SMTP_MAX_LINE),
        .max_hops = conf_u64(conf, SMTP_MAX_HOPS),
        .max_rset = conf_u64(conf, SMTP_MAX_RSET),
        .max_errors = conf_u64(conf, SMTP_MAX_ERRORS),
        .free_errors = conf_u64(conf, SMTP_FREE_ERRORS),
        .min_free_space = conf_u64(conf, SMTP_MIN_FREE_SPACE),
        .error_delay_ms = milliseconds(conf, SMTP_ERROR_DELAY),
        .command_timeout_ms = milliseconds(conf, SMTP_COMMAND_TIMEOUT),
        .data_timeout_ms = milliseconds(conf, SMTP_DATA_TIMEOUT),
        .transfer_timeout_ms = milliseconds(conf, SMTP_TRANSFER_TIMEOUT),
        .tls_timeout_ms = milliseconds(conf, SMTP_TLS_TIMEOUT),
        .allow_vrfy_expn = conf_bool(conf, SMTP_ALLOW_VRFY_EXPN),
        .extensions = extensions_configured(conf),
        .max_future_release_ms = milliseconds(conf, SMTP_MAX_FUTURE_RELEASE),
        .max_priority = conf_u64(conf, SMTP_MAX_PRIORITY),
        .xclient_hosts = networks_of(conf, SMTP_XCLIENT_HOSTS),
        .xforward_hosts = networks_of(conf, SMTP_XFORWARD_HOSTS),
    };
    settings->priority_users = load_list(conf, SMTP_PRIORITY_USERS, &settings->priority_user_count);
    settings->etrn_domains = load_list(conf, SMTP_ETRN_DOMAINS, &settings->etrn_domain_count);
    settings->greeting = make_greeting(settings->hostname, "ESMTP", conf_str(conf, SYSTEM_BANNER));
    settings->lmtp_greeting =
        make_greeting(settings->hostname, "LMTP", conf_str(conf, SYSTEM_BANNER));
    filter_settings_load(&settings->filters, conf);
}

/*
 * smtpd/settings.c - takes smtpd's settings out of the configuration, once, before any session.
 */
#include <string.h>

#include "lib/base/mem.h"
#include "lib/conf/lists.h"
#include "lib/mail/address.h"
#include "lib/queue/envelope.h"
#include "lib/smtp/route_host.h"
#include "smtpd/extensions.h"
#include "smtpd/server.h"

enum { REPLY_LINE_MAX = 512 };

/* A domain in the form that the map has: lower case. The length in `out`, or 0: it is too long. */
static size_t
domain_key(struct slice domain, char out[ADDRESS_DOMAIN_MAX])
{
    if (domain.len > ADDRESS_DOMAIN_MAX)
        return 0;
    for (size_t i = 0; i < domain.len; i++)
        out[i] = domain.ptr[i] >= 'A' && domain.ptr[i] <= 'Z' ? (char)(domain.ptr[i] | 0x20)
                                                              : domain.ptr[i];
    return domain.len;
}

bool
settings_is_open_domain(const struct settings *settings, struct slice domain)
{
    char key[ADDRESS_DOMAIN_MAX];
    size_t len = domain_key(domain, key);

    return len > 0 && settings->open_domains != NULL &&
           map_get(settings->open_domains, slice_make(key, len)) != NULL;
}

/* The domains of one list, each entry's first word. */
static void
load_domains(struct settings *settings, const struct conf *conf, const struct instance *inst,
             enum conf_id id)
{
    struct list_file *list = lists_load_or_exit("smtpd", conf, inst, id);
    char key[ADDRESS_DOMAIN_MAX];

    for (size_t i = 0; i < list->count; i++) {
        struct slice entry = list->entries[i].text;
        size_t len = domain_key(route_word(&entry), key);
        void **at = len == 0 ? NULL : map_at(settings->open_domains, slice_make(key, len));

        if (at != NULL)
            *at = settings;
    }
    list_file_free(&list);
}

/* SMTP-15: nobody has to authenticate for these, for their mail goes to servers that we were told
 * of. */
void
settings_load_lists(struct settings *settings, const struct conf *conf, const struct instance *inst)
{
    settings->open_domains = map_new((size_t)2 * LIST_ENTRIES_MAX);
    load_domains(settings, conf, inst, SMTP_OPEN_RELAY_DOMAINS);
    load_domains(settings, conf, inst, REMOTE_DIRECT_DOMAINS);
}

uint64_t
settings_recipients_max(const struct settings *settings)
{
    uint64_t limit = settings->max_recipients;

    return limit == 0 || limit > QUEUE_RCPTS_MAX ? QUEUE_RCPTS_MAX : limit;
}

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
make_greeting(const char *hostname, const char *banner)
{
    int room = REPLY_LINE_MAX - (int)strlen("220  ESMTP \r\n") - (int)strlen(hostname);

    return xasprintf("220 %s ESMTP %.*s\r\n", hostname, room,
                     banner[0] != '\0' ? banner : "Posthorn");
}

void
settings_load(struct settings *settings, const struct conf *conf)
{
    const char *helo_name = conf_str(conf, SMTP_HELO_NAME);

    *settings = (struct settings){
        .hostname = helo_name[0] != '\0' ? helo_name : conf_str(conf, SYSTEM_HOSTNAME),
        .mechanisms = mechanisms_new(conf),
        .starttls = conf_bool(conf, SMTP_STARTTLS),
        .close_relay = conf_bool(conf, SMTP_CLOSE_RELAY),
        .from_must_match_auth = conf_bool(conf, SMTP_FROM_MUST_MATCH_AUTH),
        .from_must_be_local = conf_bool(conf, SMTP_FROM_MUST_BE_LOCAL),
        .local_sender_must_auth = conf_bool(conf, SMTP_LOCAL_SENDER_MUST_AUTH),
        .sender_rule_skip_good_ip = conf_bool(conf, SMTP_SENDER_RULE_SKIP_GOOD_IP),
        .add_sender_header = conf_bool(conf, SMTP_ADD_SENDER_HEADER),
        .add_originating_ip = conf_bool(conf, SMTP_ADD_ORIGINATING_IP),
        .hide_client_ip = conf_bool(conf, SMTP_HIDE_CLIENT_IP),
        .add_auth_user = conf_bool(conf, SMTP_ADD_AUTH_USER),
        .no_cleartext_auth = conf_bool(conf, SMTP_NO_CLEARTEXT_AUTH),
        .no_auth_on_25 = conf_bool(conf, SMTP_NO_AUTH_ON_25),
        .plain_on_loopback = conf_bool(conf, AUTH_PLAIN_ON_LOOPBACK),
        .reject_pipelining = conf_bool(conf, SMTP_REJECT_PIPELINING),
        .max_recipients = conf_u64(conf, SMTP_MAX_RECIPIENTS),
        .max_message_size = conf_u64(conf, SMTP_MAX_MESSAGE_SIZE),
        .max_incoming_size = conf_u64(conf, SMTP_MAX_INCOMING_SIZE),
        .max_outgoing_size = conf_u64(conf, SMTP_MAX_OUTGOING_SIZE),
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
        .trusted_hosts = networks_of(conf, SMTP_HOSTS_NO_AUTH),
        .xclient_hosts = networks_of(conf, SMTP_XCLIENT_HOSTS),
        .good_ips = networks_of(conf, SMTP_GOOD_IPS),
        .xforward_hosts = networks_of(conf, SMTP_XFORWARD_HOSTS),
    };
    settings->priority_users = load_list(conf, SMTP_PRIORITY_USERS, &settings->priority_user_count);
    settings->etrn_domains = load_list(conf, SMTP_ETRN_DOMAINS, &settings->etrn_domain_count);
    settings->greeting = make_greeting(settings->hostname, conf_str(conf, SYSTEM_BANNER));
    filter_settings_load(&settings->filters, conf);
}

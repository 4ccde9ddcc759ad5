/*
 * lib/smtp/reception.c - what our SMTP server takes from whom. Addresses are syntax-checked before
 * they come here. Opens list files when it is loaded, nothing afterwards.
 */
#include "lib/smtp/reception.h"

#include "lib/base/map.h"
#include "lib/base/mem.h"
#include "lib/conf/lists.h"
#include "lib/mail/address.h"
#include "lib/queue/envelope.h"
#include "lib/smtp/route_host.h"

/* ---- settings ---- */

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

static uint64_t
load_max_recipients(const struct conf *conf)
{
    uint64_t limit = conf_u64(conf, SMTP_MAX_RECIPIENTS);

    return limit == 0 || limit > QUEUE_RCPTS_MAX ? QUEUE_RCPTS_MAX : limit;
}

/* Its entries begin with a domain. */
static void
load_domains(struct reception_rules *rules, const char *program, const struct conf *conf,
             const struct instance *inst, enum conf_id id)
{
    struct list_file *list = lists_load_or_exit(program, conf, inst, id);
    char key[ADDRESS_DOMAIN_MAX];

    for (size_t i = 0; i < list->count; i++) {
        struct slice entry = list->entries[i].text;
        size_t len = domain_key(route_word(&entry), key);
        void **at = len == 0 ? NULL : map_at(rules->open_domains, slice_make(key, len));
        struct reception_relay *open;

        if (at == NULL || *at != NULL)
            continue;
        open = xcalloc(1, sizeof(*open));
        *open = (struct reception_relay){true, id, list->entries[i].line};
        *at = open;
    }
    list_file_free(&list);
}

void
reception_load(struct reception_rules *rules, const char *program, const struct conf *conf,
               const struct instance *inst)
{
    *rules = (struct reception_rules){
        .close_relay = conf_bool(conf, SMTP_CLOSE_RELAY),
        .from_must_match_auth = conf_bool(conf, SMTP_FROM_MUST_MATCH_AUTH),
        .from_must_be_local = conf_bool(conf, SMTP_FROM_MUST_BE_LOCAL),
        .local_sender_must_auth = conf_bool(conf, SMTP_LOCAL_SENDER_MUST_AUTH),
        .sender_rule_skip_good_ip = conf_bool(conf, SMTP_SENDER_RULE_SKIP_GOOD_IP),
        .max_message_size = conf_u64(conf, SMTP_MAX_MESSAGE_SIZE),
        .max_incoming_size = conf_u64(conf, SMTP_MAX_INCOMING_SIZE),
        .max_outgoing_size = conf_u64(conf, SMTP_MAX_OUTGOING_SIZE),
        .max_recipients = load_max_recipients(conf),
        .trusted_hosts = networks_of(conf, SMTP_HOSTS_NO_AUTH),
        .good_ips = networks_of(conf, SMTP_GOOD_IPS),
        .open_domains = map_new((size_t)3 * LIST_ENTRIES_MAX),
    };
    load_domains(rules, program, conf, inst, SMTP_OPEN_RELAY_DOMAINS);
    /* SMTP-15: nobody has to authenticate for these, for their mail goes to servers that we were
     * told of */
    load_domains(rules, program, conf, inst, REMOTE_DIRECT_DOMAINS);
    load_domains(rules, program, conf, inst, QUEUE_ODMR_DOMAINS); /* and waits for these users */
}

/* ---- decisions ---- */

bool
reception_trusts(const struct reception_rules *rules, struct slice ip)
{
    return networks_have_text(&rules->trusted_hosts, ip);
}

uint64_t
reception_size_limit(const struct reception_rules *rules, const struct reception_client *client)
{
    uint64_t limit = rules->max_message_size, incoming = rules->max_incoming_size;
    bool submits = client->is_submission || client->user.len > 0;

    if (submits || client->is_trusted || incoming == 0)
        return limit;
    return limit == 0 || incoming < limit ? incoming : limit;
}

const struct refusal *
reception_size_refusal(const struct reception_rules *rules, const struct reception_client *client)
{
    return smtp_refusal(reception_size_limit(rules, client) == rules->max_message_size
                            ? REFUSED_SIZE
                            : REFUSED_INCOMING_SIZE);
}

struct reception_relay
reception_relay(const struct reception_rules *rules, const struct reception_client *client,
                struct slice domain)
{
    struct reception_relay no = {false, SMTP_CLOSE_RELAY, 0}, yes = {true, CONF_NO_SETTING, 0};
    const struct reception_relay *open = NULL;
    char key[ADDRESS_DOMAIN_MAX];
    size_t len = domain_key(domain, key);

    if (client->is_lmtp)
        return (struct reception_relay){false, CONF_NO_SETTING, 0};
    if (client->user.len > 0)
        return yes;
    yes.setting = client->is_trusted ? SMTP_HOSTS_NO_AUTH : SMTP_CLOSE_RELAY;
    if ((client->is_trusted && !client->is_submission) || !rules->close_relay)
        return yes;
    if (!client->is_submission && len > 0 && rules->open_domains != NULL)
        open = map_get(rules->open_domains, slice_make(key, len));
    return open != NULL ? *open : no;
}

const struct refusal *
reception_relay_refusal(const struct reception_client *client)
{
    return smtp_refusal(client->is_lmtp ? REFUSED_LMTP_RELAY : REFUSED_RELAY);
}

/* RFC 1918, RFC 4193, RFC 4291 section 2.5.6, and loopback: inside the organisation. */
static bool
is_internal(struct slice ip)
{
    static const struct slice nets[] = {
        {"10.0.0.0/8", 10}, {"172.16.0.0/12", 13}, {"192.168.0.0/16", 14}, {"127.0.0.0/8", 11},
        {"::1", 3},         {"fc00::/7", 8},       {"fe80::/10", 9}};
    struct cidr client, net;

    if (cidr_parse(ip, &client) < 0)
        return false;
    for (size_t i = 0; i < ARRAY_LEN(nets); i++)
        if (cidr_parse(nets[i], &net) == 0 && cidr_has(&net, &client.net))
            return true;
    return false;
}

enum reception_sender
reception_sender(const struct reception_rules *rules, const struct reception_client *client,
                 struct slice sender)
{
    bool good = rules->sender_rule_skip_good_ip &&
                (is_internal(client->ip) || networks_have_text(&rules->good_ips, client->ip));

    if (sender.len == 0)
        return RECEPTION_ANYBODY;
    if (client->user.len == 0)
        return rules->local_sender_must_auth && !client->is_trusted && !good ? RECEPTION_STRANGER
                                                                             : RECEPTION_ANYBODY;
    if (rules->from_must_match_auth)
        return RECEPTION_OF_USER;
    return rules->from_must_be_local ? RECEPTION_OF_OURS : RECEPTION_ANYBODY;
}

enum conf_id
reception_sender_setting(enum reception_sender has_to_be)
{
    static const enum conf_id settings[] = {
        [RECEPTION_ANYBODY] = CONF_NO_SETTING,
        [RECEPTION_STRANGER] = SMTP_LOCAL_SENDER_MUST_AUTH,
        [RECEPTION_OF_OURS] = SMTP_FROM_MUST_BE_LOCAL,
        [RECEPTION_OF_USER] = SMTP_FROM_MUST_MATCH_AUTH,
    };

    return settings[has_to_be];
}

const struct refusal *
reception_sender_judge(enum reception_sender has_to_be, enum accountd_verdict verdict,
                       const struct refusal *answered)
{
    switch (has_to_be) {
    case RECEPTION_ANYBODY:
        break;
    case RECEPTION_STRANGER:
        if (verdict == ACCOUNTD_FOREIGN)
            return NULL;
        return verdict == ACCOUNTD_DEFERRED ? answered : smtp_refusal(REFUSED_LOCAL_SENDER);
    case RECEPTION_OF_OURS:
    case RECEPTION_OF_USER:
        if (verdict == ACCOUNTD_LOCAL)
            return NULL;
        if (verdict != ACCOUNTD_FOREIGN)
            return answered;
        return smtp_refusal(has_to_be == RECEPTION_OF_USER ? REFUSED_NOT_YOURS : REFUSED_NOT_LOCAL);
    }
    return NULL;
}

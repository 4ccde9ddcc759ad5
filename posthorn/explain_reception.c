/*
 * posthorn/explain_reception.c - whether smtpd would take a message: the order of its own questions
 * (smtpd/mail.c). accountd answers as it does to smtpd; nothing is counted.
 */
#include <stdio.h>
#include <string.h>

#include "lib/base/io.h"
#include "lib/mail/address.h"
#include "lib/sys/pool_admission.h"
#include "posthorn/explain.h"

enum { ANSWER_MS = 10000, DSN_MAX = 16, TEXT_MAX = 400 };

/* accountd's answer, in memory of its own. */
struct said {
    enum accountd_verdict verdict;
    struct refusal refusal; /* REFUSED, DEFERRED */
    char dsn[DSN_MAX], text[TEXT_MAX];
    bool counted;
    uint64_t rcpts, bytes; /* what the user may send now */
    char rcpts_limit[64], bytes_limit[64];
};

static void
copy(char *out, size_t room, struct slice text)
{
    (void)snprintf(out, room, "%.*s", (int)text.len, text.ptr);
}

static void
ask(struct explain *x, struct strbuf *question, struct said *said)
{
    struct ipc_reply reply = {.fd = -1};
    struct accountd_rcpt_reply a;

    *said = (struct said){.verdict = ACCOUNTD_DEFERRED, .text = "accountd does not answer"};
    said->refusal = (struct refusal){451, "4.3.0", said->text};
    if (!question->overflow &&
        ipc_client_call(x->servers->accountd, question, -1, ANSWER_MS, &reply) == 0 &&
        (reply.type == ACCOUNTD_RCPT_REPLY || reply.type == ACCOUNTD_SENDER_REPLY) &&
        accountd_rcpt_reply_decode(reply.payload, &a) == 0) {
        said->verdict = (enum accountd_verdict)a.verdict;
        copy(said->dsn, sizeof(said->dsn), a.dsn);
        copy(said->text, sizeof(said->text), a.text);
        said->refusal = (struct refusal){a.code, said->dsn, said->text};
        said->counted = a.counted;
        said->rcpts = a.rcpts.max < a.class_rcpts.max ? a.rcpts.max : a.class_rcpts.max;
        said->bytes = a.bytes.max;
        copy(said->rcpts_limit, sizeof(said->rcpts_limit),
             a.rcpts.max < a.class_rcpts.max ? a.rcpts.limit : a.class_rcpts.limit);
        copy(said->bytes_limit, sizeof(said->bytes_limit), a.bytes.limit);
    }
    close_keep_errno(reply.fd);
    strbuf_free(question);
}

/* Tells a refusal; false. */
static bool
refused(struct explain *x, const char *step, const struct refusal *why, enum conf_id setting)
{
    if (setting == CONF_NO_SETTING)
        setting = smtp_refusal_setting(why);
    explain_say(x, step, why->code >= 500 ? "refused" : "put off", setting, 0, "%u %s %s",
                why->code, why->dsn, why->text);
    return false;
}

/* ---- the steps ---- */

static bool
connection(struct explain *x, const struct reception_client *client)
{
    const struct pool_port *port = &smtp_ports[x->mail->port];
    const struct networks *allow = &x->rules->allow[x->mail->port];
    const struct networks *deny = &x->rules->deny[x->mail->port];
    enum admission_verdict verdict;
    struct cidr ip;

    (void)cidr_parse(client->ip, &ip); /* checked before */
    verdict = admission_by_lists(allow, deny, port->listed_only, &ip.net);
    if (verdict == ADMISSION_OK)
        explain_say(x, "connection", "accepted", allow->count > 0 ? port->allow : port->deny, 0,
                    "%.*s on the port of %s%s", (int)client->ip.len, client->ip.ptr, port->label,
                    client->is_trusted ? ", a trusted host (smtp.hosts_no_auth)" : "");
    else
        explain_say(x, "connection", "refused", pool_admission_setting(port, verdict), 0, "%s",
                    admission_reason(verdict));
    return verdict == ADMISSION_OK;
}

static bool
login(struct explain *x, const struct reception_client *client)
{
    if (client->is_submission && client->user.len == 0)
        return refused(x, "login",
                       &(struct refusal){530, "5.7.0", "authentication required (RFC 6409)"},
                       CONF_NO_SETTING);
    if (client->user.len > 0)
        explain_say(x, "login", "accepted", CONF_NO_SETTING, 0,
                    "as if %.*s had logged in; no password is looked at", (int)client->user.len,
                    client->user.ptr);
    return true;
}

static bool
size(struct explain *x, const struct reception_rules *rules, const struct reception_client *client)
{
    const struct refusal *why = reception_size_refusal(rules, client);
    uint64_t limit = reception_size_limit(rules, client);

    if (limit > 0 && x->mail->size > limit)
        return refused(x, "size", why, CONF_NO_SETTING);
    explain_say(x, "size", "accepted", smtp_refusal_setting(why), 0, "%llu bytes%s",
                (unsigned long long)x->mail->size, x->mail->size == 0 ? " (not told)" : "");
    return true;
}

static bool
sender(struct explain *x, const struct reception_rules *rules,
       const struct reception_client *client)
{
    enum reception_sender has_to_be = reception_sender(rules, client, x->mail->from);
    enum conf_id setting = reception_sender_setting(has_to_be);
    struct strbuf question;
    const struct refusal *why;
    struct said said;

    if (has_to_be == RECEPTION_ANYBODY) {
        explain_say(x, "sender", "accepted",
                    client->user.len > 0 ? SMTP_FROM_MUST_MATCH_AUTH : SMTP_LOCAL_SENDER_MUST_AUTH,
                    0, "<%.*s>: no rule holds for it", (int)x->mail->from.len, x->mail->from.ptr);
        return true;
    }
    question = strbuf_new(ACCOUNTD_PAYLOAD_MAX);
    (void)accountd_sender_encode(
        &question, &(struct accountd_sender){
                       .auth_user = has_to_be == RECEPTION_OF_USER ? client->user : SLICE(""),
                       .sender = x->mail->from}); /* ask() looks */
    ask(x, &question, &said);
    why = reception_sender_judge(has_to_be, said.verdict, &said.refusal);
    if (why != NULL)
        return refused(x, "sender", why, setting);
    explain_say(x, "sender", "accepted", setting, 0, "<%.*s>", (int)x->mail->from.len,
                x->mail->from.ptr);
    return true;
}

/* Told only where it refuses: `explain` names one recipient. */
static bool
recipient_count(struct explain *x, const struct reception_rules *rules)
{
    return x->mail->before < rules->max_recipients ||
           refused(x, "recipients", smtp_refusal(REFUSED_RECIPIENTS), CONF_NO_SETTING);
}

static bool
relay(struct explain *x, const struct reception_rules *rules, const struct reception_client *client)
{
    struct slice to = x->mail->to;
    struct slice domain = slice_sub(to, slice_rindex(to, '@') + 1, to.len);
    struct reception_relay verdict = reception_relay(rules, client, domain);

    if (!verdict.allowed)
        return refused(x, "relay", reception_relay_refusal(client), CONF_NO_SETTING);
    explain_say(x, "relay", "accepted", verdict.setting, verdict.line, "%.*s is of others%s",
                (int)domain.len, domain.ptr, client->user.len > 0 ? ", and a user sends" : "");
    if (rules->max_outgoing_size > 0 && x->mail->size > rules->max_outgoing_size)
        return refused(x, "size", smtp_refusal(REFUSED_OUTGOING_SIZE), CONF_NO_SETTING);
    return true;
}

/* What accountd would let the user send, if there are limits. */
static bool
limits(struct explain *x, const struct said *said)
{
    bool too_large = x->mail->size > said->bytes || said->bytes == 0;

    if (!said->counted)
        return true;
    if (said->rcpts == 0 || too_large) {
        explain_say(x, "limits", "refused", CONF_NO_SETTING, 0, "the user's %s",
                    said->rcpts == 0 ? said->rcpts_limit : said->bytes_limit);
        return false;
    }
    explain_say(x, "limits", "accepted", CONF_NO_SETTING, 0,
                "%llu more recipients (%s), %llu bytes (%s)", (unsigned long long)said->rcpts,
                said->rcpts_limit, (unsigned long long)said->bytes, said->bytes_limit);
    return true;
}

static bool
recipient(struct explain *x, const struct reception_rules *rules,
          const struct reception_client *client)
{
    struct strbuf question = strbuf_new(ACCOUNTD_PAYLOAD_MAX);
    struct said said;

    (void)accountd_rcpt_encode(&question, &(struct accountd_rcpt){.address = x->mail->to,
                                                                  .sender = x->mail->from,
                                                                  .auth_user = client->user,
                                                                  .size = x->mail->size,
                                                                  .trusted = client->is_trusted});
    ask(x, &question, &said);
    if (said.verdict == ACCOUNTD_REFUSED || said.verdict == ACCOUNTD_DEFERRED)
        return refused(x, "recipient", &said.refusal, CONF_NO_SETTING);
    explain_say(x, "recipient", "accepted", CONF_NO_SETTING, 0, "<%.*s> is %s",
                (int)x->mail->to.len, x->mail->to.ptr,
                said.verdict == ACCOUNTD_LOCAL ? "one of ours" : "of another server");
    return (said.verdict == ACCOUNTD_LOCAL || relay(x, rules, client)) && limits(x, &said);
}

bool
explain_reception(struct explain *x)
{
    const struct reception_rules *rules = &x->rules->reception;
    struct reception_client client = {.ip = x->mail->client_ip,
                                      .user = x->mail->user,
                                      .is_submission = smtp_port_is_submission(x->mail->port),
                                      .is_lmtp = x->mail->port == SMTP_PORT_LMTP,
                                      .is_trusted = reception_trusts(rules, x->mail->client_ip)};

    x->began_here = client.user.len > 0 || client.is_trusted;
    return connection(x, &client) && login(x, &client) && size(x, rules, &client) &&
           sender(x, rules, &client) &&
           (x->mail->to.len == 0 || (recipient_count(x, rules) && recipient(x, rules, &client)));
}

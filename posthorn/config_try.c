/*
 * posthorn/config_try.c - `config try`: the envelopes of the last day, decided by the running
 * configuration and by another one, and each decision that would be another.
 *
 * The decisions are explained twice (posthorn/explain.h). accountd, dnsd, filterd and keyd answer
 * for both by the configuration that they run with; what differs in their own settings is said.
 */
#include "posthorn/config_try.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/json.h"
#include "lib/base/mem.h"
#include "lib/log/line.h"
#include "posthorn/config_check.h"
#include "posthorn/decisions.h"
#include "posthorn/log_envelopes.h"
#include "posthorn/trace_find.h"

#define DEFAULT_SPAN "1d"

enum { TEXT_MAX = 131072, ERRORS_MAX = 65536, ROUNDS_MAX = 3 };

struct side {
    struct conf *conf;
    struct instance inst;
    struct explain_rules rules;
    struct decisions said; /* of the envelope at hand */
};

struct trial {
    const struct cli *cli;
    struct side sides[2]; /* the running configuration, the other one */
    struct explain_servers servers;
    struct log_envelopes envelopes;
    uint64_t differ, differ_distinct;
    char since[32];
};

/* ---- one envelope ---- */

struct recorder {
    struct explain *x;
    struct decisions *said;
};

static void
record(void *arg, const struct explain_step *step)
{
    struct recorder *r = arg;

    if (strcmp(step->verdict, "not asked") != 0) /* filters: no decision, and warned about once */
        decisions_add(r->said, step, r->x->is_taken);
}

static int
decide(const struct trial *t, struct side *side, const struct explained *mail)
{
    struct explain x = {
        .cli = t->cli, .mail = mail, .rules = &side->rules, .servers = &t->servers, .tell = record};
    struct recorder r = {&x, &side->said};

    x.arg = &r;
    decisions_clear(&side->said);
    return explain_run(&x);
}

/* Both sides, until what differs stands twice: accounts, counts of mail and the DNS may change
 * between two questions. 0, or CLI_FAILED; *changes is the caller's. */
static int
compare(struct trial *t, const struct explained *mail, struct decision_change **changes,
        size_t *count)
{
    struct decisions last[2] = {{NULL, 0, 0}, {NULL, 0, 0}};
    bool stands = false;
    int rc = CLI_OK;

    *changes = NULL;
    *count = 0;
    for (int round = 0; rc == CLI_OK && !stands && round < ROUNDS_MAX; round++) {
        xfree(changes);
        for (int i = 0; rc == CLI_OK && i < 2; i++)
            rc = decide(t, &t->sides[i], mail);
        *count = decisions_compare(&t->sides[0].said, &t->sides[1].said, changes);
        stands = *count == 0 || (round > 0 && decisions_equal(&t->sides[0].said, &last[0]) &&
                                 decisions_equal(&t->sides[1].said, &last[1]));
        for (int i = 0; !stands && round + 1 < ROUNDS_MAX && i < 2; i++) {
            decisions_clear(&last[i]);
            last[i] = t->sides[i].said;
            t->sides[i].said = (struct decisions){.items = NULL};
        }
    }
    decisions_clear(&last[0]);
    decisions_clear(&last[1]);
    return rc;
}

/* ---- telling ---- */

static void
put_text(struct strbuf *out, char sign, const struct decision *d)
{
    if (d == NULL)
        return;
    (void)strbuf_printf(out, "%c %-11s %-11s %s\n", sign, d->step, d->verdict, d->detail);
    if (d->cite == NULL)
        return;
    (void)strbuf_str(out, "      ");
    conf_cite_print(d->cite, out);
    (void)strbuf_char(out, '\n');
}

static void
tell_text(const struct log_envelope *e, const struct decision_change *changes, size_t count)
{
    const struct explained *mail = &e->mail;
    struct strbuf out = strbuf_new(TEXT_MAX);

    (void)strbuf_printf(&out, "<%.*s> to <%.*s>, client %.*s, %s", (int)mail->from.len,
                        mail->from.ptr, (int)mail->to.len, mail->to.ptr, (int)mail->client_ip.len,
                        mail->client_ip.ptr, smtp_ports[mail->port].label);
    if (mail->user.len > 0)
        (void)strbuf_printf(&out, ", user %.*s", (int)mail->user.len, mail->user.ptr);
    if (mail->size > 0)
        (void)strbuf_printf(&out, ", %llu bytes", (unsigned long long)mail->size);
    if (e->count > 1)
        (void)strbuf_printf(&out, ", %llu times", (unsigned long long)e->count);
    (void)strbuf_char(&out, '\n');
    for (size_t i = 0; i < count; i++) {
        put_text(&out, '-', changes[i].before);
        put_text(&out, '+', changes[i].after);
    }
    log_text_tame(out.ptr, out.len); /* addresses are anybody's */
    (void)puts(strbuf_cstr(&out));
    strbuf_free(&out);
}

static void
put_json(struct strbuf *out, const char *name, const struct decision *d)
{
    (void)strbuf_printf(out, ", \"%s\": ", name);
    if (d == NULL) {
        (void)strbuf_str(out, "null");
        return;
    }
    (void)strbuf_printf(out, "{\"verdict\": \"%s\", \"detail\": ", d->verdict);
    json_quote(out, slice_of(d->detail));
    (void)strbuf_str(out, ", \"configuration\": ");
    if (d->cite == NULL)
        (void)strbuf_str(out, "null");
    else
        conf_cite_json(d->cite, out);
    (void)strbuf_char(out, '}');
}

static void
put_member(struct strbuf *out, const char *name, struct slice value)
{
    (void)strbuf_printf(out, "\"%s\": ", name);
    json_quote(out, value);
    (void)strbuf_str(out, ", ");
}

static void
tell_json(const struct log_envelope *e, const struct decision_change *changes, size_t count,
          bool first)
{
    const struct explained *mail = &e->mail;
    struct strbuf out = strbuf_new((size_t)4 * TEXT_MAX);

    (void)strbuf_str(&out, first ? "\n  {" : ",\n  {");
    put_member(&out, "from", mail->from);
    put_member(&out, "to", mail->to);
    put_member(&out, "client", mail->client_ip);
    put_member(&out, "user", mail->user);
    put_member(&out, "service", slice_of(smtp_ports[mail->port].label));
    (void)strbuf_printf(&out, "\"size\": %llu, \"count\": %llu, \"changes\": [",
                        (unsigned long long)mail->size, (unsigned long long)e->count);
    for (size_t i = 0; i < count; i++) {
        const struct decision *one =
            changes[i].before != NULL ? changes[i].before : changes[i].after;

        (void)strbuf_printf(&out, "%s{\"step\": \"%s\"", i == 0 ? "" : ", ", one->step);
        put_json(&out, "before", changes[i].before);
        put_json(&out, "after", changes[i].after);
        (void)strbuf_char(&out, '}');
    }
    (void)strbuf_str(&out, "]}");
    (void)fputs(strbuf_cstr(&out), stdout);
    strbuf_free(&out);
}

static void
tell_summary(const struct trial *t)
{
    const struct log_envelopes *e = &t->envelopes;
    unsigned long long total = e->total - e->left_out - e->unreadable;

    if (t->cli->json)
        (void)printf("%s], \"since\": \"%sZ\", \"envelopes\": %llu, \"distinct\": %zu, "
                     "\"differ\": %llu, \"differ_distinct\": %llu}\n",
                     t->differ > 0 ? "\n" : "", t->since, total, e->count,
                     (unsigned long long)t->differ, (unsigned long long)t->differ_distinct);
    else
        (void)printf("%llu envelopes since %sZ (%zu different), %llu would be decided otherwise "
                     "(%llu different)\n",
                     total, t->since, e->count, (unsigned long long)t->differ,
                     (unsigned long long)t->differ_distinct);
}

/* What the trial does not show. 0, or CLI_FAILED: not all was read. */
static int
warn(const struct trial *t)
{
    const struct log_envelopes *e = &t->envelopes;

    if (e->unreadable > 0)
        cli_warn(t->cli, "%llu envelopes in the logs could not be read",
                 (unsigned long long)e->unreadable);
    if (e->left_out > 0)
        cli_warn(t->cli,
                 "more than %d different envelopes: %llu were left out; --since takes a shorter "
                 "time",
                 LOG_ENVELOPES_MAX, (unsigned long long)e->left_out);
    if (e->error != 0)
        return cli_fail(t->cli, "%s: %s", t->cli->inst.log, strerror(e->error));
    return CLI_OK;
}

/* ---- the configurations ---- */

/* Settings of programs that answer both sides alike. */
static bool
is_of_others(enum conf_id id)
{
    static const char *const sections[] = {"account", "dns", "filter"};

    for (size_t i = 0; i < ARRAY_LEN(sections); i++)
        if (strcmp(conf_settings[id].section, sections[i]) == 0)
            return true;
    return id == SMTP_POSTMASTER || id == DKIM_OWN_DOMAIN_ONLY;
}

static void
warn_of_others(const struct trial *t)
{
    struct strbuf values[2] = {strbuf_new(CONF_FILE_MAX), strbuf_new(CONF_FILE_MAX)};

    for (int id = 0; id < CONF_ID_COUNT; id++) {
        if (!is_of_others((enum conf_id)id))
            continue;
        for (int i = 0; i < 2; i++) {
            strbuf_clear(&values[i]);
            conf_print_value(t->sides[i].conf, (enum conf_id)id, &values[i]);
        }
        if (!slice_eq(strbuf_slice(&values[0]), strbuf_slice(&values[1])))
            cli_warn(t->cli, "%s.%s is another one, too: that is not tried",
                     conf_settings[id].section, conf_settings[id].name);
    }
    strbuf_free(&values[0]);
    strbuf_free(&values[1]);
}

/* FILE is a posthorn.conf, whose list files lie where those of the running one do, or a directory
 * like etc/. False after the message. */
static bool
find_other(const struct cli *cli, const char *name, struct instance *inst)
{
    char *path = realpath(name, NULL); /* stays, as the configuration does */
    struct stat st;

    if (path == NULL || stat(path, &st) < 0) {
        (void)cli_fail(cli, "%s: %s", name, strerror(errno));
        return false;
    }
    *inst = cli->inst;
    inst->conf_path = path;
    if (S_ISDIR(st.st_mode)) {
        inst->etc = path;
        inst->conf_path = xasprintf("%s/posthorn.conf", path);
    }
    return true;
}

static int
load_side(const struct cli *cli, struct side *side)
{
    struct cli there = *cli;

    there.inst = side->inst;
    side->conf = config_check_read(&there);
    if (side->conf == NULL || !config_check_lists(&there, side->conf))
        return CLI_FAILED;
    return explain_rules_load(&side->rules, cli, side->conf, &side->inst);
}

static struct log_envelope_limits
limits_of(const struct trial *t)
{
    const struct reception_rules *a = &t->sides[0].rules.reception,
                                 *b = &t->sides[1].rules.reception;

    return (struct log_envelope_limits){.sizes = {a->max_message_size, a->max_incoming_size,
                                                  a->max_outgoing_size, b->max_message_size,
                                                  b->max_incoming_size, b->max_outgoing_size},
                                        .recipients = {a->max_recipients, b->max_recipients}};
}

/* ---- the command ---- */

static int
try_all(struct trial *t)
{
    const struct log_envelopes *e = &t->envelopes;
    int rc = CLI_OK;

    if (t->cli->json)
        (void)fputs("{\"differences\": [", stdout);
    for (size_t i = 0; rc == CLI_OK && i < e->count; i++) {
        struct decision_change *changes;
        size_t count;

        rc = compare(t, &e->items[i].mail, &changes, &count);
        if (rc == CLI_OK && count > 0) {
            if (t->cli->json)
                tell_json(&e->items[i], changes, count, t->differ == 0);
            else
                tell_text(&e->items[i], changes, count);
            t->differ += e->items[i].count;
            t->differ_distinct++;
        }
        free(changes);
    }
    tell_summary(t);
    return rc;
}

int
config_try(struct cli *cli, int argc, char **argv)
{
    static struct trial t; /* reachable at the end: nobody frees the rules */
    const char *since = DEFAULT_SPAN;
    const struct cli_option options[] = {{"--since", CLI_TEXT, &since}};
    struct log_envelope_limits limits;
    int rc;

    if (cli_options(cli, &argc, argv, options, ARRAY_LEN(options), 1, 1) != 0)
        return CLI_USAGE;
    if (trace_time(slice_of(since), clock_real_ms(), t.since) < 0)
        return cli_usage(cli, "expected a time such as 2026-11-23, '2026-11-23 10:30' (UTC) or 2h");
    t.cli = cli;
    t.sides[0].inst = cli->inst;
    if (!cli_needs_instance(cli) || !find_other(cli, argv[0], &t.sides[1].inst) ||
        load_side(cli, &t.sides[0]) != CLI_OK || load_side(cli, &t.sides[1]) != CLI_OK)
        return CLI_FAILED;
    warn_of_others(&t);
    limits = limits_of(&t);
    log_envelopes_read(cli->inst.log, slice_of(t.since), &limits, &t.envelopes);
    rc = explain_servers_open(&t.servers, cli);
    if (rc == CLI_OK)
        rc = try_all(&t);
    if (warn(&t) != CLI_OK)
        rc = CLI_FAILED;
    explain_servers_close(&t.servers);
    log_envelopes_clear(&t.envelopes);
    for (int i = 0; i < 2; i++)
        decisions_clear(&t.sides[i].said);
    return rc == CLI_OK && t.differ > 0 ? CLI_DIFFERS : rc;
}

/*
 * posthorn/cmd_monitoring.c - `monitoring`: the rules in monitoring.rules, which stays a text file.
 *
 * With --admin a command acts for that administrator: accountd says which domains are his, and he
 * sees and changes the rules of these domains alone.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/conf/monitor_rules.h"
#include "posthorn/accounts.h"
#include "posthorn/command.h"
#include "posthorn/output.h"

#define ERRORS_MAX 65536
#define RULES_MODE 0600 /* whom it names is not to read it; queue-manager reads it while root */

struct file {
    struct cli *cli;
    char *path;
    struct strbuf text;
    struct monitor_rules *rules;
    struct accounts *accounts; /* with --admin */
    const char *admin;
};

static void
file_close(struct file *f)
{
    accounts_close(&f->accounts);
    monitor_rules_free(&f->rules);
    strbuf_free(&f->text);
    free(f->path);
}

static int
parse(struct file *f)
{
    struct strbuf errors = strbuf_new(ERRORS_MAX);

    monitor_rules_free(&f->rules);
    f->rules = monitor_rules_parse(strbuf_slice(&f->text), f->path, &errors);
    (void)fputs(strbuf_cstr(&errors), stderr);
    strbuf_free(&errors);
    return f->rules == NULL ? CLI_FAILED : CLI_OK;
}

/* CLI_OK, or an exit code after the message; file_close in any case. `admin` may be NULL. */
static int
file_open(struct file *f, struct cli *cli, const char *admin)
{
    *f = (struct file){.cli = cli, .text = strbuf_new(MONITOR_FILE_MAX), .admin = admin};
    if (!cli_needs_instance(cli))
        return CLI_FAILED;
    f->path = xasprintf("%s/" MONITOR_RULES_FILE, cli->inst.etc);
    if (read_file(AT_FDCWD, f->path, &f->text) < 0 && errno != ENOENT)
        return cli_fail(cli, "%s: %s", f->path, strerror(errno));
    if (admin != NULL && (f->accounts = accounts_open(cli)) == NULL)
        return CLI_FAILED;
    return parse(f);
}

/* ---- whose rule it is ---- */

/* 1: the administrator may, 0: not, -1 after the message. */
static int
manages(struct file *f, const char *domain)
{
    const struct object_field field = {SLICE("domain"), slice_of(domain)};
    const struct accountd_admin request = {.verb = SLICE("manages"),
                                           .kind = SLICE("admin"),
                                           .name = slice_of(f->admin),
                                           .fields = &field,
                                           .field_count = 1};
    struct accountd_admin_reply reply = {0};

    if (accounts_call(f->accounts, &request, &reply) != CLI_OK)
        return -1;
    if (reply.result == 0)
        return 1;
    if (reply.result == ACCOUNTD_NOT_MANAGED)
        return 0;
    (void)cli_fail(f->cli, "%.*s", (int)reply.text.len, reply.text.ptr);
    return -1;
}

/* The same of a rule; without --admin all are root's to change. */
static int
may_change(struct file *f, const struct monitor_rule *rule)
{
    return f->admin == NULL ? 1 : manages(f, rule->owner == NULL ? "" : rule->owner);
}

/* ---- list ---- */

static void
join(struct strbuf *out, struct slice address)
{
    (void)strbuf_str(out, out->len > 0 ? " " : "");
    (void)strbuf_str(out, slice_starts(address, SLICE("@")) ? "*" : "");
    (void)strbuf_append(out, address);
}

static void
join_copies(struct strbuf *out, const struct file *f, const struct monitor_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        join(out, monitor_rules_copy(f->rules, list->items[i]));
}

static void
add_row(struct table *table, const struct file *f, const struct monitor_rule *rule)
{
    static const char *const mail[] = {
        [MONITOR_INTERNAL] = "internal", [MONITOR_EXTERNAL] = "external", [3] = "both"};
    struct strbuf lists[3];
    struct object_field fields[] = {{SLICE("name"), slice_of(rule->name)},
                                    {SLICE("owner"), slice_of(rule->owner)},
                                    {SLICE("mail"), slice_of(mail[rule->mail])},
                                    {SLICE("monitored"), {NULL, 0}},
                                    {SLICE("outgoing"), {NULL, 0}},
                                    {SLICE("incoming"), {NULL, 0}}};

    for (size_t i = 0; i < ARRAY_LEN(lists); i++)
        lists[i] = strbuf_new(OBJECT_VALUE_MAX); /* what is beyond is not shown */
    for (size_t i = 0; i < rule->monitored_count; i++)
        join(&lists[0], rule->monitored[i]);
    join_copies(&lists[1], f, &rule->outgoing);
    join_copies(&lists[2], f, &rule->incoming);
    for (size_t i = 0; i < ARRAY_LEN(lists); i++)
        fields[3 + i].value = strbuf_slice(&lists[i]);
    table_add(table, fields, ARRAY_LEN(fields));
    for (size_t i = 0; i < ARRAY_LEN(lists); i++)
        strbuf_free(&lists[i]);
}

static int
monitoring_list(struct cli *cli, int argc, char **argv)
{
    static const struct column columns[] = {
        {"name", COLUMN_TEXT, false},     {"owner", COLUMN_TEXT, false},
        {"mail", COLUMN_TEXT, false},     {"monitored", COLUMN_LIST, false},
        {"outgoing", COLUMN_LIST, false}, {"incoming", COLUMN_LIST, false},
    };
    const char *admin = NULL;
    const struct cli_option options[] = {{"--admin", CLI_TEXT, &admin}};
    struct table *table;
    struct file f;
    int rc, may = 0;

    if (cli_options(cli, &argc, argv, options, 1, 0, 0) != 0)
        return CLI_USAGE;
    rc = file_open(&f, cli, admin);
    table = table_new(columns, ARRAY_LEN(columns));
    for (size_t i = 0; rc == CLI_OK && i < monitor_rules_count(f.rules); i++) {
        may = may_change(&f, monitor_rules_at(f.rules, i));
        if (may > 0)
            add_row(table, &f, monitor_rules_at(f.rules, i));
        rc = may < 0 ? CLI_FAILED : CLI_OK;
    }
    if (rc == CLI_OK)
        table_print(&table, cli->json);
    else
        table_free(&table);
    file_close(&f);
    return rc;
}

/* ---- add and remove ---- */

static int
write_file(struct file *f)
{
    if (f->text.overflow)
        return cli_fail(f->cli, "%s would be longer than %u MiB", f->path, MONITOR_FILE_MAX >> 20);
    if (parse(f) != CLI_OK)
        return cli_fail(f->cli, "nothing was changed");
    if (replace_file(AT_FDCWD, f->path, strbuf_slice(&f->text), RULES_MODE) < 0)
        return cli_fail(f->cli, "%s: %s", f->path, strerror(errno));
    return CLI_OK;
}

/* A section at the end of the text. What is no rule the parser says. */
static int
append(struct file *f, const char *name, char **words, int count)
{
    if (f->text.len > 0 && !strbuf_ends_with(&f->text, "\n"))
        (void)strbuf_char(&f->text, '\n'); /* overflow is remembered */
    (void)strbuf_printf(&f->text, "%s[%s]\n", f->text.len > 0 ? "\n" : "", name);
    for (int i = 0; i < count; i++) {
        struct slice value = slice_of(words[i]), key = slice_split(&value, '=');

        if (strpbrk(words[i], "\n\r#\"") != NULL || strchr(words[i], '=') == NULL)
            return cli_usage(f->cli, "expected NAME=VALUE, not '%s'", words[i]);
        (void)strbuf_printf(&f->text, "%.*s = %.*s\n", (int)key.len, key.ptr, (int)value.len,
                            value.ptr);
    }
    return CLI_OK;
}

static int
monitoring_add(struct cli *cli, int argc, char **argv)
{
    const char *admin = NULL;
    const struct cli_option options[] = {{"--admin", CLI_TEXT, &admin}};
    const struct monitor_rule *rule;
    struct file f;
    int rc, may;

    if (cli_options(cli, &argc, argv, options, 1, 3, CLI_LIST_MAX) != 0)
        return CLI_USAGE;
    rc = file_open(&f, cli, admin);
    if (rc == CLI_OK && monitor_rules_named(f.rules, slice_of(argv[0])) != NULL)
        rc = cli_fail(cli, "there is a rule '%s' already", argv[0]);
    if (rc == CLI_OK)
        rc = append(&f, argv[0], argv + 1, argc - 1);
    if (rc == CLI_OK && parse(&f) != CLI_OK)
        rc = cli_fail(cli, "nothing was changed");
    rule = rc == CLI_OK ? monitor_rules_named(f.rules, slice_of(argv[0])) : NULL;
    may = rule == NULL ? -1 : may_change(&f, rule);
    if (rc == CLI_OK && may == 0)
        rc = cli_fail(
            cli, "%s may write rules with an owner among his domains; nothing was changed", admin);
    else if (rc == CLI_OK)
        rc = may < 0 ? CLI_FAILED : write_file(&f);
    file_close(&f);
    return rc;
}

/* Lines `first` to `last`, from 1, and the empty lines behind them. */
static void
cut(struct file *f, unsigned first, unsigned last)
{
    struct strbuf kept = strbuf_new(MONITOR_FILE_MAX);
    struct slice rest = strbuf_slice(&f->text);

    for (unsigned number = 1; rest.len > 0; number++) {
        struct slice line = slice_cut_after(&rest, '\n');

        if (number == last + 1 && slice_trim(line).len == 0)
            last++;
        else if (number < first || number > last)
            (void)strbuf_append(&kept, line); /* no longer than what there was */
    }
    strbuf_free(&f->text);
    f->text = kept;
}

static int
monitoring_remove(struct cli *cli, int argc, char **argv)
{
    const char *admin = NULL;
    const struct cli_option options[] = {{"--admin", CLI_TEXT, &admin}};
    const struct monitor_rule *rule;
    struct file f;
    int rc, may = 0;

    if (cli_options(cli, &argc, argv, options, 1, 1, 1) != 0)
        return CLI_USAGE;
    rc = file_open(&f, cli, admin);
    if (rc == CLI_OK) {
        rule = monitor_rules_named(f.rules, slice_of(argv[0]));
        may = rule == NULL ? 0 : may_change(&f, rule);
        if (may == 0) /* whether others have such a rule is not his business */
            rc = cli_fail(cli, "there is no rule '%s'", argv[0]);
        else if (may < 0)
            rc = CLI_FAILED;
        else
            cut(&f, rule->first, rule->last);
    }
    if (rc == CLI_OK)
        rc = write_file(&f);
    file_close(&f);
    return rc;
}

static const struct cli_verb verbs[] = {
    {"list", "[--admin NAME] [--json]", "the rules", monitoring_list},
    {"add", "RULE monitored=WHOM outgoing=TO incoming=TO [PROPERTY=VALUE...] [--admin NAME]",
     "makes one", monitoring_add},
    {"remove", "RULE [--admin NAME]", "removes one", monitoring_remove},
    {0},
};

const struct command command_monitoring = {
    .name = "monitoring",
    .summary = "copies of monitored mailboxes' mail: list, add, remove rules",
    .help =
        "WHOM and TO are addresses separated by commas; WHOM may be *@domain. outgoing gets what\n"
        "the monitored send, incoming what they receive; one of the two is enough. Properties:\n"
        "mail (internal external both) owner (a domain: its administrators may change the rule,\n"
        "and it names addresses of that domain alone). With --admin the command sees and changes\n"
        "what that administrator may. The file is DIR/etc/monitoring.rules; a running suite\n"
        "takes changes over at 'posthorn reload'.\n",
    .verbs = verbs,
};

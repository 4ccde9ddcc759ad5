/*
 * posthorn/cmd_approval.c - `approval`: mail that waits until somebody has let it through, and the
 * rules that make it wait (MON-05 to MON-07).
 *
 * What waits is read from the queue's directories; decisions are queue-manager's. Rules are lines
 * of the list file queue.approval_rules.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/conf/approval_rules.h"
#include "lib/queue/queue_list.h"
#include "posthorn/list_text.h"
#include "posthorn/output.h"
#include "posthorn/queue_call.h"

#define SETTING_NAME "queue.approval_rules"

static const struct column columns[] = {
    {"id", COLUMN_TEXT, false},         {"sender", COLUMN_TEXT, false},
    {"recipients", COLUMN_LIST, false}, {"asked", COLUMN_TEXT, false},
    {"deadline", COLUMN_TEXT, false},   {"rule", COLUMN_TEXT, false},
    {"approvers", COLUMN_LIST, false},  {"approved_by", COLUMN_TEXT, false},
    {"size", COLUMN_NUMBER, true},      {"received", COLUMN_TEXT, true},
};

/* ---- what waits ---- */

static bool
waits(struct slice object)
{
    struct object_field fields[OBJECT_FIELDS_MAX];
    int count = object_next(&object, fields);

    return count > 0 &&
           slice_eq(object_get(fields, (uint32_t)count, "status"), SLICE("waiting for approval"));
}

static void
add_row(struct table *table, struct slice object)
{
    struct object_field fields[OBJECT_FIELDS_MAX];
    int count = object_next(&object, fields);

    table_add(table, fields, (uint32_t)count);
}

static int
print_waiting(struct cli *cli, const struct spool *spool)
{
    const struct queue_filter filter = {.states = 1u << SPOOL_HOLD};
    struct table *table;
    struct queue_found *found;
    size_t count;

    if (queue_list_find(spool, &filter, &found, &count) < 0)
        return cli_fail(cli, "cannot read the queue: %s", strerror(errno));
    table = table_new(columns, ARRAY_LEN(columns));
    for (size_t i = 0; i < count; i++) {
        struct strbuf object = strbuf_new(QUEUE_PAYLOAD_MAX);

        if (queue_list_add(spool, &found[i], &filter, &object) && waits(strbuf_slice(&object)))
            add_row(table, strbuf_slice(&object));
        strbuf_free(&object);
    }
    table_print(&table, cli->json);
    xfree(&found);
    return CLI_OK;
}

/* Opens the queue for reading, or says why not. */
static int
open_queue(const struct cli *cli, struct spool *spool)
{
    if (!cli_needs_instance(cli))
        return CLI_FAILED;
    if (spool_open_readonly(spool, cli->inst.queue) < 0)
        return cli_fail(cli, "cannot read %s: %s", cli->inst.queue, strerror(errno));
    return CLI_OK;
}

static int
approval_list(struct cli *cli, int argc, char **argv)
{
    struct spool spool;
    int rc;

    if (cli_options(cli, &argc, argv, NULL, 0, 0, 0) != 0)
        return CLI_USAGE;
    rc = open_queue(cli, &spool);
    if (rc != CLI_OK)
        return rc;
    rc = print_waiting(cli, &spool);
    spool_close(&spool);
    return rc;
}

static int
approval_show(struct cli *cli, int argc, char **argv)
{
    struct object_field fields[OBJECT_FIELDS_MAX];
    struct strbuf objects;
    struct slice rest;
    struct spool spool;
    int count, rc;

    if (cli_options(cli, &argc, argv, NULL, 0, 1, 1) != 0)
        return CLI_USAGE;
    rc = open_queue(cli, &spool);
    if (rc != CLI_OK)
        return rc;
    objects = strbuf_new(QUEUE_PAYLOAD_MAX);
    if (queue_list_show(&spool, argv[0], &objects) < 0 || !waits(strbuf_slice(&objects))) {
        rc = cli_fail(cli, "no such message waits for approval: %s", argv[0]);
    } else {
        rest = strbuf_slice(&objects);
        count = object_next(&rest, fields);
        output_show(columns, ARRAY_LEN(columns), fields, (uint32_t)count, cli->json);
    }
    strbuf_free(&objects);
    spool_close(&spool);
    return rc;
}

/* ---- decisions ---- */

static int
decide(struct cli *cli, const char *verb, int argc, char **argv, const char *reason)
{
    uint64_t done = 0;
    int rc = CLI_OK;

    if (!cli_needs_instance(cli))
        return CLI_FAILED;
    for (int i = 0; i < argc; i++) {
        const struct queue_control req = {.verb = slice_of(verb),
                                          .names = slice_of(argv[i]),
                                          .text = slice_of(reason == NULL ? "" : reason)};

        if (queue_call(cli, &req, &done) != CLI_OK)
            rc = CLI_FAILED;
    }
    return rc;
}

static int
approval_approve(struct cli *cli, int argc, char **argv)
{
    if (cli_options(cli, &argc, argv, NULL, 0, 1, CLI_LIST_MAX) != 0)
        return CLI_USAGE;
    return decide(cli, "approve", argc, argv, NULL);
}

static int
approval_refuse(struct cli *cli, int argc, char **argv)
{
    const char *reason = NULL;
    const struct cli_option options[] = {{"--reason", CLI_TEXT, &reason}};

    if (cli_options(cli, &argc, argv, options, ARRAY_LEN(options), 1, CLI_LIST_MAX) != 0)
        return CLI_USAGE;
    return decide(cli, "refuse", argc, argv, reason);
}

/* ---- rules ---- */

static void
join_approvers(const struct approval_rule *rule, uint8_t kind, struct strbuf *out)
{
    for (size_t i = 0; i < rule->approver_count; i++)
        if ((rule->approvers[i].kinds & kind) != 0)
            (void)strbuf_printf(out, "%s%.*s", out->len == 0 ? "" : " ",
                                (int)rule->approvers[i].address.len,
                                rule->approvers[i].address.ptr); /* shorter than the entry */
}

static void
add_rule(struct table *table, struct slice entry)
{
    struct strbuf external = strbuf_new(LIST_ENTRY_MAX), local = strbuf_new(LIST_ENTRY_MAX),
                  mailboxes = strbuf_new(LIST_ENTRY_MAX);
    struct approval_rule rule;

    approval_rule_parse(entry, &rule);
    join_approvers(&rule, APPROVAL_EXTERNAL, &external);
    join_approvers(&rule, APPROVAL_LOCAL, &local);
    while (rule.mailboxes.len > 0) {
        struct slice one = slice_split(&rule.mailboxes, ',');

        (void)strbuf_printf(&mailboxes, "%s%.*s", mailboxes.len == 0 ? "" : " ", (int)one.len,
                            one.ptr);
    }
    table_add(table,
              (const struct object_field[]){{SLICE("name"), rule.name},
                                            {SLICE("mailboxes"), strbuf_slice(&mailboxes)},
                                            {SLICE("external"), strbuf_slice(&external)},
                                            {SLICE("local"), strbuf_slice(&local)}},
              4);
    strbuf_free(&external);
    strbuf_free(&local);
    strbuf_free(&mailboxes);
}

static int
rule_list(struct cli *cli)
{
    static const struct column rule_columns[] = {{"name", COLUMN_TEXT, false},
                                                 {"mailboxes", COLUMN_LIST, false},
                                                 {"external", COLUMN_LIST, false},
                                                 {"local", COLUMN_LIST, false}};
    struct table *table;
    struct list list;
    int rc = list_open(&list, cli, SETTING_NAME);

    if (rc == CLI_OK) {
        table = table_new(rule_columns, ARRAY_LEN(rule_columns));
        for (size_t i = 0; i < list.file->count; i++)
            add_rule(table, list.file->entries[i].text);
        table_print(&table, cli->json);
    }
    list_close(&list);
    return rc;
}

/* The rule of that name, or an empty slice. */
static struct slice
find_rule(const struct list *list, struct slice name)
{
    for (size_t i = 0; i < list->file->count; i++) {
        struct approval_rule rule;

        approval_rule_parse(list->file->entries[i].text, &rule);
        if (slice_eq_nocase(rule.name, name))
            return list->file->entries[i].text;
    }
    return SLICE("");
}

static void
join_list(struct strbuf *out, const char *before, const struct cli_list *words)
{
    for (size_t i = 0; i < words->count; i++)
        (void)strbuf_printf(out, "%s%s", i == 0 ? before : ",", words->items[i]);
}

static int
write_rule(struct cli *cli, const char *name, struct slice entry)
{
    const char *expected = approval_rule_expected(entry);
    struct list list;
    int rc;

    if (expected != NULL)
        return cli_fail(cli, "expected %s", expected);
    rc = list_open_to_change(&list, cli, SETTING_NAME);
    if (rc == CLI_OK && find_rule(&list, slice_of(name)).len > 0)
        rc = cli_fail(cli, "there is a rule '%s' already; remove it first", name);
    if (rc == CLI_OK) {
        (void)list_add_entry(&list, entry);
        rc = list_write(&list);
    }
    list_close(&list);
    return rc;
}

static int
rule_add(struct cli *cli, const char *name, const struct cli_list lists[3])
{
    struct strbuf entry = strbuf_new(LIST_ENTRY_MAX);
    int rc;

    if (lists[0].count == 0 || lists[1].count + lists[2].count == 0)
        return cli_usage(cli, "a rule has --mailbox, and --external or --local");
    (void)strbuf_str(&entry, name);
    join_list(&entry, " ", &lists[0]);
    join_list(&entry, " external=", &lists[1]);
    join_list(&entry, " local=", &lists[2]);
    if (entry.overflow)
        rc = cli_fail(cli, "the rule is too long: at most %d bytes", LIST_ENTRY_MAX);
    else
        rc = write_rule(cli, name, strbuf_slice(&entry));
    strbuf_free(&entry);
    return rc;
}

static int
rule_remove(struct cli *cli, const char *name)
{
    struct list list;
    struct slice entry;
    int rc = list_open_to_change(&list, cli, SETTING_NAME);

    if (rc == CLI_OK) {
        entry = find_rule(&list, slice_of(name));
        if (entry.len == 0 || !list_remove_entry(&list, entry))
            rc = cli_fail(cli, "there is no rule '%s'; nothing was changed", name);
        else
            rc = list_write(&list);
    }
    list_close(&list);
    return rc;
}

static int
approval_rule(struct cli *cli, int argc, char **argv)
{
    static struct cli_list lists[3];
    const struct cli_option options[] = {{"--mailbox", CLI_LIST, &lists[0]},
                                         {"--external", CLI_LIST, &lists[1]},
                                         {"--local", CLI_LIST, &lists[2]}};

    if (cli_options(cli, &argc, argv, options, ARRAY_LEN(options), 1, 2) != 0)
        return CLI_USAGE;
    if (strcmp(argv[0], "list") == 0 && argc == 1)
        return rule_list(cli);
    if (strcmp(argv[0], "add") == 0 && argc == 2)
        return rule_add(cli, argv[1], lists);
    if (strcmp(argv[0], "remove") == 0 && argc == 2)
        return rule_remove(cli, argv[1]);
    return cli_usage(cli, "list, add NAME or remove NAME");
}

static const struct cli_verb verbs[] = {
    {"list", "[--json]", "mail that waits for a decision", approval_list},
    {"show", "ID [--json]", "one such message", approval_show},
    {"approve", "ID...", "lets it go, whoever was asked", approval_approve},
    {"refuse", "ID... [--reason TEXT]", "sends it back; the reason is told to the sender",
     approval_refuse},
    {"rule",
     "list [--json] | add NAME --mailbox M... [--external APPROVER]... [--local APPROVER]... | "
     "remove NAME",
     "whose mail needs approval, and by whom", approval_rule},
    {0},
};

const struct command command_approval = {
    .name = "approval",
    .summary = "mail that waits until somebody has let it through",
    .help =
        "A rule names mailboxes (user@domain, *@domain or *: everybody) and approvers: for mail "
        "to\n"
        "external domains, for mail to local ones, or both. The first rule that names the sender\n"
        "counts; a message with both kinds of recipients waits for a decision on each. 'queue "
        "show\n"
        "ID --content' prints the message. Rules are lines of the list file that\n"
        "queue.approval_rules names (see 'list'); a running suite takes changes over at\n"
        "'posthorn reload'.\n",
    .verbs = verbs,
};

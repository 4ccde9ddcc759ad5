/*
 * posthorn/cmd_broadcast.c - `broadcast send|list`: a message to all users (QUE-17).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/account/canonical.h"
#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "lib/base/random.h"
#include "lib/oper/alertd_call.h"
#include "posthorn/accounts.h"
#include "posthorn/oper_columns.h"
#include "posthorn/remote.h"

enum { ASK_MS = 30000, WHO_MAX = 32 };

struct listing {
    struct table *table;
    struct slice domain; /* canonical; empty: those of all */
};

static void
add_row(void *arg, const struct object_field *fields, uint32_t count)
{
    const struct listing *l = arg;

    if (l->domain.len == 0 || slice_eq(object_get(fields, count, "domain"), l->domain))
        table_add(l->table, fields, count);
}

static int
list_here(struct cli *cli, struct listing *l)
{
    const struct alertd_control control = {.verb = SLICE("broadcasts")};
    struct object_field *fields = xcalloc(OBJECT_FIELDS_MAX, sizeof(*fields));
    struct strbuf request = strbuf_new(ALERTD_REQUEST_MAX);
    struct alertd_call *call = NULL;
    struct alertd_reply reply;
    int count = -1;

    if (alertd_control_encode(&request, &control) == 0)
        call = alertd_call_ask(&cli->inst, &request, ASK_MS, &reply);
    while (call != NULL && (count = object_next(&reply.data, fields)) > 0)
        add_row(l, fields, (uint32_t)count);
    alertd_call_free(&call);
    strbuf_free(&request);
    free(fields);
    return count < 0 ? cli_fail(cli, "alertd does not answer; is the service 'alert' running?")
                     : CLI_OK;
}

static int
list_elsewhere(struct cli *cli, struct listing *l)
{
    const struct object_field within = {SLICE("within"), l->domain};

    return remote_each(cli, OPER_BROADCAST, &within, l->domain.len > 0, add_row, l);
}

static int
broadcast_list(struct cli *cli, int argc, char **argv)
{
    struct strbuf canonical = strbuf_new(CANONICAL_DOMAIN_MAX);
    const char *domain = "";
    const struct cli_option options[] = {{"--domain", CLI_TEXT, &domain}};
    struct listing l;
    int rc;

    if (cli_options(cli, &argc, argv, options, ARRAY_LEN(options), 0, 0) != 0)
        return CLI_USAGE;
    if (domain[0] != '\0' && canonical_domain(slice_of(domain), &canonical) < 0)
        return cli_fail(cli, "'%s' is no domain", domain);
    if (!cli_needs_instance(cli))
        return CLI_FAILED;
    l = (struct listing){oper_table(OPER_BROADCAST), strbuf_slice(&canonical)};
    rc = cli->remote != NULL ? list_elsewhere(cli, &l) : list_here(cli, &l);
    if (rc == CLI_OK)
        table_print(&l.table, cli->json);
    else
        table_free(&l.table);
    strbuf_free(&canonical);
    return rc;
}

/* ---- send ---- */

static int
read_content(struct cli *cli, const char *path, struct strbuf *content)
{
    ssize_t n;
    char *room;
    int fd = path == NULL ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC), rc = CLI_OK;

    if (fd < 0)
        return cli_fail(cli, "%s: %s", path, strerror(errno));
    while ((room = strbuf_room(content, 4096)) != NULL && (n = read(fd, room, 4096)) > 0)
        strbuf_grew(content, (size_t)n);
    if (room == NULL)
        rc = cli_fail(cli, "the content is too long: at most %u KiB", ALERTD_CONTENT_MAX >> 10);
    else if (n < 0)
        rc = cli_fail(cli, "the content cannot be read: %s", strerror(errno));
    else if (content->len == 0 || !parse_is_utf8(strbuf_slice(content)))
        rc = cli_fail(cli, "the content is empty, or no UTF-8");
    if (path != NULL)
        close_keep_errno(fd);
    return rc;
}

/* Its canonical name. */
static int
find_domain(struct cli *cli, const char *text, struct strbuf *domain)
{
    struct accounts *accounts;
    struct accountd_admin_reply reply;
    int rc;

    if (text[0] == '\0')
        return CLI_OK;
    if (canonical_domain(slice_of(text), domain) < 0)
        return cli_fail(cli, "'%s' is no domain", text);
    accounts = accounts_open(cli);
    if (accounts == NULL)
        return CLI_FAILED;
    rc = accounts_do(accounts,
                     &(const struct accountd_admin){.verb = SLICE("show"),
                                                    .kind = SLICE("domain"),
                                                    .name = strbuf_slice(domain)},
                     &reply);
    accounts_close(&accounts);
    return rc;
}

/* There was no answer: it may be sent all the same. CLI_FAILED. */
static int
tell_id(const struct cli *cli, const struct alertd_broadcast *m)
{
    return cli_fail(cli,
                    "whether the message is sent is unknown: repeat it with --id %.*s, and nobody "
                    "gets it twice",
                    (int)m->id.len, m->id.ptr);
}

/* The server looks the domain up, as it has to judge who may send there. */
static int
send_elsewhere(struct cli *cli, const struct alertd_broadcast *m, const char *domain)
{
    const struct object_field fields[] = {{SLICE("subject"), m->subject},
                                          {SLICE("content"), m->content},
                                          {SLICE("domain"), slice_of(domain)},
                                          {SLICE("html"), m->is_html ? SLICE("yes") : SLICE("no")}};
    const struct accountd_admin request = {.verb = SLICE("send"),
                                           .kind = SLICE("broadcast"),
                                           .name = m->id,
                                           .fields = fields,
                                           .field_count = ARRAY_LEN(fields)};
    struct accountd_admin_reply reply;

    if (m->content.len > OBJECT_VALUE_MAX)
        return cli_fail(cli, "the content is too long: at most %u KiB to a server elsewhere",
                        OBJECT_VALUE_MAX >> 10);
    if (remote_ask(cli, &request, &reply) != CLI_OK)
        return tell_id(cli, m);
    if (reply.result != 0) /* without an answer the server's text has the id */
        return cli_fail(cli, "%.*s", (int)reply.text.len, reply.text.ptr);
    return CLI_OK;
}

static int
ask_alertd(struct cli *cli, struct strbuf *request, const struct alertd_broadcast *m)
{
    struct alertd_reply reply;
    struct alertd_call *call = alertd_call_ask(&cli->inst, request, ASK_MS, &reply);
    int rc = CLI_OK;

    if (call == NULL) {
        (void)cli_fail(cli, "alertd does not answer; is the service 'alert' running?");
        rc = tell_id(cli, m);
    } else if (reply.result != 0) {
        rc = cli_fail(cli, "%.*s", (int)reply.text.len, reply.text.ptr);
    }
    alertd_call_free(&call);
    return rc;
}

static int
send_here(struct cli *cli, struct alertd_broadcast *m, const char *domain_text)
{
    struct strbuf domain = strbuf_new(CANONICAL_DOMAIN_MAX),
                  request = strbuf_new(ALERTD_REQUEST_MAX), who = strbuf_new(WHO_MAX);
    int rc = find_domain(cli, domain_text, &domain);

    (void)strbuf_printf(&who, ACCOUNTD_LOCAL_ACTOR "%lu", (unsigned long)getuid());
    m->domain = strbuf_slice(&domain);
    m->who = strbuf_slice(&who);
    m->from = SLICE("local");
    if (rc == CLI_OK && alertd_broadcast_encode(&request, m) < 0)
        rc = cli_fail(cli, "subject or content is too long");
    if (rc == CLI_OK)
        rc = ask_alertd(cli, &request, m);
    strbuf_free(&domain);
    strbuf_free(&request);
    strbuf_free(&who);
    return rc;
}

static int
send_message(struct cli *cli, struct alertd_broadcast *m, const char *domain, const char *path)
{
    struct strbuf content = strbuf_new(ALERTD_CONTENT_MAX + 4096);
    int rc = read_content(cli, path, &content);

    m->content = strbuf_slice(&content);
    if (rc == CLI_OK)
        rc = cli->remote != NULL ? send_elsewhere(cli, m, domain) : send_here(cli, m, domain);
    if (rc == CLI_OK)
        (void)printf("%.*s\n", (int)m->id.len, m->id.ptr);
    strbuf_free(&content);
    return rc;
}

static int
broadcast_send(struct cli *cli, int argc, char **argv)
{
    const char *subject = NULL, *domain = "", *id = NULL;
    bool is_html = false;
    const struct cli_option options[] = {{"--subject", CLI_TEXT, &subject},
                                         {"--domain", CLI_TEXT, &domain},
                                         {"--id", CLI_TEXT, &id},
                                         {"--html", CLI_FLAG, &is_html}};
    struct alertd_broadcast message;
    char own_id[24];

    if (cli_options(cli, &argc, argv, options, ARRAY_LEN(options), 0, 1) != 0)
        return CLI_USAGE;
    if (subject == NULL || subject[0] == '\0' || !parse_is_utf8(slice_of(subject)))
        return cli_usage(cli, "--subject is missing, or no UTF-8");
    if (id != NULL && !alertd_broadcast_id_valid(slice_of(id)))
        return cli_usage(cli, "--id: expected at most %d letters, digits and '-'",
                         ALERTD_BROADCAST_ID_MAX);
    if (!cli_needs_instance(cli))
        return CLI_FAILED;
    (void)snprintf(own_id, sizeof(own_id), "%016llx", (unsigned long long)random_u64());
    message = (struct alertd_broadcast){
        .id = slice_of(id != NULL ? id : own_id), .subject = slice_of(subject), .is_html = is_html};
    return send_message(cli, &message, domain, argc == 1 ? argv[0] : NULL);
}

static const struct cli_verb verbs[] = {
    {"send", "--subject TEXT [--domain DOMAIN] [--html] [--id ID] [FILE]",
     "sends FILE, or standard input, to all users", broadcast_send},
    {"list", "[--domain DOMAIN] [--json]", "those of the last time, and how far they are",
     broadcast_list},
    {0},
};

const struct command command_broadcast = {
    .name = "broadcast",
    .summary = "a message to all users: send, list",
    .help =
        "To all users of all domains, or of one with --domain; those who are disabled get "
        "none. The\n"
        "content is plain text, or HTML with --html, in UTF-8. The id is printed; sent again "
        "with the\n"
        "same --id, nobody gets it twice; the id of another message is refused. alertd sends it,\n"
        "also if it is restarted meanwhile.\n",
    .verbs = verbs,
    .remote = "send list",
};

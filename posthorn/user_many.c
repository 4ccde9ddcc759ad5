/*
 * posthorn/user_many.c - adding or changing many users in one command. accountd checks every value.
 */
#include "posthorn/user_many.h"

#include <string.h>

#include "lib/auth/made_up.h"
#include "lib/base/mem.h"
#include "posthorn/password.h"

static const struct column columns[] = {{"line", COLUMN_NUMBER, false},
                                        {"address", COLUMN_TEXT, false},
                                        {"result", COLUMN_TEXT, false},
                                        {"password", COLUMN_TEXT, false}};

int
user_many_begin(struct user_many *many, struct cli *cli, const char *verb, bool random,
                const char *fixed_file)
{
    int rc = CLI_OK;

    *many = (struct user_many){.cli = cli, .verb = verb, .random = random};
    many->report = table_new(columns, ARRAY_LEN(columns));
    if (random && fixed_file != NULL)
        return cli_usage(cli, "the password comes from one place only");
    if (fixed_file != NULL)
        rc = cli_read_secret(cli, fixed_file, &many->fixed);
    if (rc == CLI_OK)
        many->accounts = accounts_open(cli);
    return rc == CLI_OK && many->accounts == NULL ? CLI_FAILED : rc;
}

static void
tell(struct user_many *many, uint64_t line, struct slice address, struct slice result,
     struct slice password)
{
    struct strbuf number = strbuf_new(32);

    if (line > 0)
        (void)strbuf_u64(&number, line);
    table_add(many->report,
              (const struct object_field[]){{SLICE("line"), strbuf_slice(&number)},
                                            {SLICE("address"), address},
                                            {SLICE("result"), result},
                                            {SLICE("password"), password}},
              ARRAY_LEN(columns));
    strbuf_free(&number);
}

void
user_many_refused(struct user_many *many, uint64_t line, struct slice address, struct slice reason)
{
    many->failed = true;
    tell(many, line, address, reason, SLICE(""));
}

static bool
brings_password(const struct object_field *fields, uint32_t count)
{
    return object_get(fields, count, "password").len > 0 ||
           object_get(fields, count, "new_password").len > 0;
}

int
user_many_do(struct user_many *many, uint64_t line, struct slice address,
             struct object_field *fields, uint32_t count)
{
    struct strbuf made_up = strbuf_new(MADE_UP_MAX);
    struct accountd_admin request = {.verb = slice_of(many->verb),
                                     .kind = SLICE("user"),
                                     .name = address,
                                     .fields = fields,
                                     .field_count = count};
    struct accountd_admin_reply reply;
    int rc;

    if (!brings_password(fields, count) && many->random)
        made_up_password(0, &made_up);
    if (!brings_password(fields, count) && (many->random || many->fixed.len > 0))
        fields[request.field_count++] =
            (struct object_field){SLICE("new_password"), many->random ? strbuf_slice(&made_up)
                                                                      : strbuf_slice(&many->fixed)};
    rc = accounts_call(many->accounts, &request, &reply);
    if (rc == CLI_OK && reply.result != 0)
        user_many_refused(many, line, address, reply.text);
    else if (rc == CLI_OK)
        tell(many, line, address, SLICE("ok"), strbuf_slice(&made_up));
    if (made_up.ptr != NULL)
        mem_wipe(made_up.ptr, made_up.cap);
    strbuf_free(&made_up);
    return rc;
}

int
user_many_end(struct user_many *many, int rc)
{
    if (many->accounts != NULL)
        table_print(&many->report, many->cli->json); /* also how far it came */
    else
        table_free(&many->report);
    accounts_close(&many->accounts);
    if (many->fixed.ptr != NULL)
        mem_wipe(many->fixed.ptr, many->fixed.cap);
    strbuf_free(&many->fixed);
    return rc == CLI_OK && many->failed ? CLI_FAILED : rc;
}

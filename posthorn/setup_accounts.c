/*
 * posthorn/setup_accounts.c - the first accounts of a new instance. Handles secrets: every buffer
 * that held one is wiped.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/account/password_rules.h"
#include "lib/base/mem.h"
#include "posthorn/accounts.h"
#include "posthorn/password.h"
#include "posthorn/setup.h"

/* ---- passwords ---- */

void
setup_wipe(struct strbuf *secret)
{
    if (secret->ptr != NULL)
        mem_wipe(secret->ptr, secret->cap);
    strbuf_free(secret);
}

static void
wipe_one(struct setup_password *password)
{
    if (password->secret != NULL)
        mem_wipe(password->secret, strlen(password->secret));
    xfree(&password->secret);
}

void
setup_wipe_secrets(struct setup *setup)
{
    wipe_one(&setup->admin);
    wipe_one(&setup->postmaster);
}

int
setup_password_check(const struct setup *setup, const char *user, struct slice password,
                     struct strbuf *why)
{
    struct password_rules rules = password_rules_of_admins(); /* a new domain has the same */

    (void)setup;
    return policy_check(&rules.policy, slice_of(user), password, why);
}

int
setup_password(struct setup *setup, const char *user, const struct setup_password *source,
               bool needed, struct password_given *out)
{
    const struct password_source from = {.file = source->file,
                                         .none = source->file == NULL && !needed};
    struct strbuf why = strbuf_new(500);
    int rc = CLI_OK;

    if (source->secret != NULL) {
        *out = (struct password_given){.secret = strbuf_new(strlen(source->secret))};
        (void)strbuf_str(&out->secret, source->secret); /* just fits */
    } else {
        rc = password_take(setup->cli, &from, out);
    }
    if (rc == CLI_OK && out->secret.len > 0 &&
        setup_password_check(setup, user, strbuf_slice(&out->secret), &why) < 0)
        rc = cli_fail(setup->cli, "the password of %s: %s", user, strbuf_cstr(&why));
    strbuf_free(&why);
    return rc;
}

/* ---- accounts ---- */

static int
add(struct accounts *accounts, const char *kind, const char *name,
    const struct object_field *fields, uint32_t count)
{
    const struct accountd_admin request = {.verb = SLICE("add"),
                                           .kind = slice_of(kind),
                                           .name = slice_of(name),
                                           .fields = fields,
                                           .field_count = count};
    struct accountd_admin_reply reply;

    return accounts_do(accounts, &request, &reply);
}

static int
mark_fresh(struct accounts *accounts)
{
    const struct accountd_admin request = {.verb = SLICE("fresh")};
    struct accountd_admin_reply reply;

    return accounts_do(accounts, &request, &reply);
}

/* The domain with the profile's properties. */
static int
add_domain(const struct setup *setup, struct accounts *accounts)
{
    struct object_field fields[OBJECT_FIELDS_MAX];
    struct slice text = slice_of(setup->profile != NULL ? setup->profile->text : ""), words = text;
    uint32_t count = 0;

    words.len = 0;
    while (count < OBJECT_FIELDS_MAX &&
           profile_property(&text, &words, &fields[count].name, &fields[count].value))
        count++;
    return add(accounts, "domain", setup->domain, fields, count);
}

int
setup_accounts(struct setup *setup, const struct password_given *admin,
               const struct password_given *postmaster)
{
    const struct object_field admin_fields[] = {
        password_field(admin), {SLICE("description"), SLICE("First administrator")}};
    const struct object_field user_fields[] = {{SLICE("full_name"), SLICE("Postmaster")},
                                               password_field(postmaster)};
    char *address = xasprintf("postmaster@%s", setup->domain);
    struct accounts *accounts = accounts_open(setup->cli);
    int rc = accounts == NULL ? CLI_FAILED : CLI_OK;

    if (rc == CLI_OK)
        rc = add_domain(setup, accounts);
    if (rc == CLI_OK)
        rc = add(accounts, "user", address, user_fields, postmaster->secret.len > 0 ? 2 : 1);
    if (rc == CLI_OK)
        rc = add(accounts, "admin", "admin", admin_fields, (uint32_t)ARRAY_LEN(admin_fields));
    if (rc == CLI_OK)
        rc = mark_fresh(accounts);
    accounts_close(&accounts);
    free(address);
    return rc;
}

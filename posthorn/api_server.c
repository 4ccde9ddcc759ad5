/*
 * posthorn/api_server.c - the server that administration is asked of. Reads the caller's profile
 * and password file; connects over TLS.
 */
#include "posthorn/api_server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define POSTHORN_WITHOUT_CALLS
#include "include/posthorn.h"
#include "lib/base/mem.h"
#include "posthorn/ask_secret.h"

enum { NEEDS_CODE = 3 /* a result of Login */ };

/* ---- what was given ---- */

int
api_server_type(const struct cli *cli, const char *question, struct strbuf *out)
{
    struct strbuf typed = strbuf_new(0);
    int rc;

    if (!isatty(STDIN_FILENO))
        return -1;
    rc = ask_secret(cli, question, &typed) == CLI_OK && strbuf_append(out, strbuf_slice(&typed))
             ? 0
             : 1;
    if (typed.ptr != NULL)
        mem_wipe(typed.ptr, typed.cap);
    strbuf_free(&typed);
    return rc;
}

/* An instance of this host, over its run/admin.sock. */
static bool
is_here(const struct api_profile *profile)
{
    return slice_starts(strbuf_slice(&profile->server), SLICE("/"));
}

static int
ask_password(struct cli *cli, struct api_profile *profile)
{
    char *question = xasprintf("Password of %s: ", strbuf_cstr(&profile->admin));
    int rc = api_server_type(cli, question, &profile->password);

    free(question);
    if (rc < 0)
        return cli_usage(cli, "expected --password-file FILE (- is standard input)");
    return rc == 0 ? CLI_OK : CLI_FAILED;
}

static int
set_text(struct strbuf *to, const char *text)
{
    strbuf_clear(to);
    return strbuf_str(to, text) ? CLI_OK : CLI_FAILED;
}

/* Options count before what the profile says. */
static int
complete(struct cli *cli, struct api_profile *profile, const struct api_where *where)
{
    const char *password_file = where->password_file;
    struct strbuf password;
    int rc = CLI_OK;

    if ((where->server != NULL && set_text(&profile->server, where->server) != CLI_OK) ||
        (where->admin != NULL && set_text(&profile->admin, where->admin) != CLI_OK) ||
        (where->certificates != NULL &&
         set_text(&profile->certificates, where->certificates) != CLI_OK))
        return cli_usage(cli, "an option is too long");
    if (password_file != NULL) {
        rc = cli_read_secret(cli, password_file, &password);
        strbuf_clear(&profile->password);
        if (rc == CLI_OK && !strbuf_append(&profile->password, strbuf_slice(&password)))
            rc = cli_fail(cli, "%s: the password is too long", password_file);
        mem_wipe(password.ptr, password.cap);
        strbuf_free(&password);
    }
    if (rc == CLI_OK && is_here(profile) && profile->admin.len == 0)
        return CLI_OK;
    if (rc == CLI_OK && (profile->server.len == 0 || profile->admin.len == 0))
        rc = cli_usage(cli, "expected --server and --admin, or a --profile that has them");
    if (rc == CLI_OK && profile->password.len == 0)
        rc = ask_password(cli, profile);
    return rc;
}

int
api_server_find(struct cli *cli, const struct api_where *where, struct api_profile *profile)
{
    int rc = where->profile == NULL ? CLI_OK : api_profile_load(cli, where->profile, profile);

    profile->code = where->code;
    return rc == CLI_OK ? complete(cli, profile, where) : rc;
}

/* ---- the connection ---- */

static const char *
cause(int rc)
{
    switch (rc) {
    case POSTHORN_REFUSED:
        return "login refused";
    case POSTHORN_NOT_RUNNING:
        return "service not running";
    case POSTHORN_UNREACHABLE:
        return "server unreachable";
    case POSTHORN_CERTIFICATE:
        return "certificate not trusted";
    case POSTHORN_MISMATCH:
        return "server and client do not match";
    default:
        return "value";
    }
}

int
api_server_trouble(const struct cli *cli, int rc, const struct posthorn *p)
{
    return cli_fail(cli, "%s: %s", cause(rc), posthorn_text(p));
}

/* With a code where one is needed: the one that was given, or what is typed then. */
static int
log_in(struct cli *cli, struct posthorn *p, const struct api_profile *profile)
{
    const char *code = profile->code;
    struct strbuf typed = strbuf_new(0);
    int rc = code == NULL ? 0 : posthorn_code(p, code);

    if (rc == 0)
        rc = posthorn_login(p, strbuf_cstr(&profile->admin), strbuf_cstr(&profile->password));
    if (rc == NEEDS_CODE && code == NULL && isatty(STDIN_FILENO) &&
        ask_secret(cli, "Code of the authenticator: ", &typed) == CLI_OK) {
        rc = posthorn_code(p, strbuf_cstr(&typed));
        if (rc == 0)
            rc = posthorn_login(p, strbuf_cstr(&profile->admin), strbuf_cstr(&profile->password));
    }
    strbuf_free(&typed);
    return rc;
}

struct posthorn *
api_server_connect(struct cli *cli, const struct api_profile *profile)
{
    struct posthorn *p = posthorn_open(strbuf_cstr(&profile->server));
    int rc = POSTHORN_BAD_VALUE;

    if (p == NULL) {
        (void)cli_usage(cli, "--server: expected HOST, HOST:PORT or the directory of an instance");
        return NULL;
    }
    if (profile->certificates.len > 0 &&
        posthorn_trust(p, strbuf_cstr(&profile->certificates)) != 0)
        rc = POSTHORN_BAD_VALUE; /* no memory */
    else if (is_here(profile) && profile->admin.len == 0)
        rc = 0; /* root and the owner need no login */
    else
        rc = log_in(cli, p, profile);
    if (rc == 0)
        return p;
    (void)(rc > 0 ? cli_fail(cli, "result %d: %s", rc, posthorn_text(p))
                  : api_server_trouble(cli, rc, p));
    posthorn_free(&p);
    return NULL;
}

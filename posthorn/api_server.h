/*
 * posthorn/api_server.h - the server that administration is asked of: options, profile, connection.
 */
#ifndef POSTHORN_POSTHORN_API_SERVER_H
#define POSTHORN_POSTHORN_API_SERVER_H

#include "posthorn/api_profile.h"
#include "posthorn/command.h"

/* As given on the command line; NULL: not given. */
struct api_where {
    const char *server, *profile, *admin, *certificates, *password_file, *code;
};
#define API_WHERE_OPTIONS(where)                                                                   \
    {"--server", CLI_TEXT, &(where).server}, {"--profile", CLI_TEXT, &(where).profile},            \
        {"--admin", CLI_TEXT, &(where).admin},                                                     \
        {"--certificates", CLI_TEXT, &(where).certificates}, {"--code", CLI_TEXT, &(where).code},  \
    {                                                                                              \
        "--password-file", CLI_TEXT, &(where).password_file                                        \
    }

/* The profile, completed by what was given, the password asked for on the terminal if it is nowhere
 * else. CLI_OK, or an exit code after the message. */
int api_server_find(struct cli *cli, const struct api_where *where, struct api_profile *profile);

/* A secret from the terminal, which does not show it, into `out`. 0; 1: nothing was typed; -1:
 * there is no terminal. */
int api_server_type(const struct cli *cli, const char *question, struct strbuf *out);

struct posthorn; /* include/posthorn.h */
/* Connected and logged in; posthorn_free() it. NULL after the message, which names the cause. */
struct posthorn *api_server_connect(struct cli *cli, const struct api_profile *profile);
/* Says what a negative result means. Returns CLI_FAILED. */
int api_server_trouble(const struct cli *cli, int rc, const struct posthorn *p);

#endif

/*
 * posthorn/cmd_api.c - `api call|doc`: making calls of the administrative API, and their
 * description from the table.
 */
#include <stdio.h>

#include "lib/api/api.h"
#include "posthorn/api_call.h"

#define TEXT_MAX (2u << 20)

static int
print(const struct cli *cli, const struct strbuf *text)
{
    if (text->overflow)
        return cli_fail(cli, "the text is too long");
    (void)fwrite(text->ptr, 1, text->len, stdout);
    return CLI_OK;
}

static int
api_doc(struct cli *cli, int argc, char **argv)
{
    bool man = false, openapi = false, header = false, source = false;
    const struct cli_option options[] = {{"--man", CLI_FLAG, &man},
                                         {"--openapi", CLI_FLAG, &openapi},
                                         {"--c-header", CLI_FLAG, &header},
                                         {"--c-source", CLI_FLAG, &source}};
    struct strbuf text = strbuf_new(TEXT_MAX);
    int rc, id = -1;

    if (cli_options(cli, &argc, argv, options, ARRAY_LEN(options), 0, 1) != 0)
        return CLI_USAGE;
    if (argc == 1 && (id = api_call_find(slice_of(argv[0]))) < 0)
        return cli_fail(cli, "there is no call '%s'; 'posthorn api doc' lists them", argv[0]);
    if (man)
        api_manual(&text);
    else if (openapi)
        api_openapi(&text, "1");
    else if (header)
        api_c_header(&text);
    else if (source)
        api_c_source(&text);
    else
        api_text(&text, id);
    rc = print(cli, &text);
    strbuf_free(&text);
    return rc;
}

static const struct cli_verb verbs[] = {
    {"call",
     "[--profile NAME] [--server HOST[:PORT]] [--admin NAME] [--password-file FILE]\n"
     "                          [--certificates FILE] CALL [PARAMETER=VALUE...]",
     "one call at a server, here or elsewhere", api_call},
    {"doc", "[--man | --openapi | --c-header | --c-source] [CALL]",
     "the calls, or everything about one", api_doc},
    {0},
};

const struct command command_api = {
    .name = "api",
    .summary = "the administrative API: call, doc",
    .help =
        "'call' logs in to admind(8) over TLS, makes one call and prints the answer as JSON. A\n"
        "secret is given as PARAMETER=@FILE (@- is standard input). --certificates names the\n"
        "file of trusted certificates, or the server's own; without it the system's count.\n"
        "A --profile is a section of ~/.config/posthorn/profiles.conf with server, admin,\n"
        "certificates and, if nobody else can read the file, password.\n"
        "'doc' describes the calls, which programs make by HTTP. --man writes the manual page\n"
        "posthorn-api(7), --openapi the description by OpenAPI 3.1, --c-header and --c-source\n"
        "the functions of the C library, one for each call.\n",
    .verbs = verbs,
    .remote = "call doc",
};

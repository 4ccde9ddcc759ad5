/*
 * posthorn/cmd_api.c - `api doc`: the calls of the administrative API, described from their table.
 */
#include <stdio.h>

#include "lib/api/api.h"
#include "posthorn/command.h"

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
    {"doc", "[--man | --openapi | --c-header | --c-source] [CALL]",
     "the calls, or everything about one", api_doc},
    {0},
};

const struct command command_api = {
    .name = "api",
    .summary = "the administrative API: doc",
    .help = "The calls of admind(8), which programs make by HTTP. --man writes the manual page\n"
            "posthorn-api(7), --openapi the description by OpenAPI 3.1, --c-header and --c-source\n"
            "the functions of the C library, one for each call.\n",
    .verbs = verbs,
};

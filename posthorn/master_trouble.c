/*
 * posthorn/master_trouble.c - why there is no connection to master.
 */
#include "posthorn/master_trouble.h"

#include <errno.h>

#include "lib/ipc/master.h"

int
master_trouble(const struct cli *cli)
{
    if (errno == EACCES)
        return cli_fail(cli,
                        "%s/%s: permission denied; only root or the user who started it may "
                        "ask",
                        cli->inst.run, MASTER_SOCKET);
    return cli_fail(cli, "the mail server is not running; the command is: posthorn start");
}

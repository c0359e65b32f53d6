/* See own_file.h. */
#include "config.h"

#include "daemon/ledger/own_file.h"

#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static int give_to_folder(int fd, const char *path)
{
    char *copy = xstrdup(path);
    struct stat folder;
    int failed = stat(dirname(copy), &folder) || fchown(fd, folder.st_uid, folder.st_gid);

    free(copy);
    return failed ? -1 : 0;
}

/* O_EXCL never follows a link: what is given away is a file that this call made,
 * not one that the folder's owner pointed root to. */
int own_file_open(const char *path, int flags)
{
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
    int why;

    if (fd < 0)
        return errno == EEXIST ? open(path, O_RDWR | O_CLOEXEC | flags) : -1;
    if (fchmod(fd, 0640) || (geteuid() == 0 && give_to_folder(fd, path))) {
        why = errno;
        close(fd);
        (void)unlink(path);
        errno = why;
        return -1;
    }
    return fd;
}

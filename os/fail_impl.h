/* fail_impl.h - what an errno of files and processes means to us.
 *
 * Trust:  none.
 * Memory: none.
 */
#ifndef EM_OS_FAIL_IMPL_H
#define EM_OS_FAIL_IMPL_H

#include "base/em.h"

#include <errno.h>

static inline em_err em_fail_errno(int number)
{
    switch (number) {
    case ENOENT:
    case ENOTDIR:
        return EM_ERR_NOT_FOUND;
    case EACCES:
    case EPERM:
    case EROFS:
        return EM_ERR_DENIED;
    case EEXIST:
    case ENOTEMPTY:
        return EM_ERR_EXISTS;
    case ENOMEM:
    case EAGAIN:
        return EM_ERR_MEMORY;
    case EMFILE:
    case ENFILE:
        return EM_ERR_BUSY;
    default:
        return EM_ERR_IO;
    }
}

#endif

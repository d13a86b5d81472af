#ifndef CSQLITEFAULTS_H
#define CSQLITEFAULTS_H

/// What SQLite is about to do with a named file.
enum faults_operation {
    FAULTS_OPEN = 0,
    FAULTS_WRITE = 1,
    FAULTS_SYNC = 2,
    FAULTS_TRUNCATE = 3,
    FAULTS_DELETE = 4,
};

/// Asked before each operation. `offset` is the new size where it truncates, and
/// whether the deletion is to be durable where it deletes. Answers 0 to let it happen, or the
/// SQLite error that it is to fail with; then nothing was done.
typedef int (*faults_hook)(
    int operation, const char *path, long long offset, const void *bytes, int count);

/// Puts itself between the file system that is SQLite's default by then, and the disk, for every database of this process
/// that is opened from now on. Answers 0, or an SQLite error. To be called once.
int faults_install(faults_hook hook);

#endif

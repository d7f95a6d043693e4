/* Tests of src/base/container.c: control groups of both versions, as files below a folder. */
#include "base/container.h"
#include "base/cpu.h"
#include "support/folder.h"

#include <criterion/criterion.h>
#include <stdint.h>
#include <stdio.h>

TestSuite(container, .init = test_folder_make, .fini = test_folder_remove);

#define MIB ((size_t)1 << 20)

static void write_version_2(const char *group, const char *mounted_root) {
    char text[512];
    snprintf(text, sizeof text, "0::%s\n", group);
    test_folder_write_text("proc/self/cgroup", text);
    snprintf(text, sizeof text,
             "22 1 0:20 / /proc rw - proc proc rw\n30 23 0:27 %s /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw\n",
             mounted_root);
    test_folder_write_text("proc/self/mountinfo", text);
}

static void write_version_1(const char *group) {
    char text[512];
    snprintf(text, sizeof text, "9:name=systemd:/\n4:memory:%s\n1:cpu,cpuacct:%s\n0::/\n", group, group);
    test_folder_write_text("proc/self/cgroup", text);
    test_folder_write_text("proc/self/mountinfo", "33 31 0:30 / /cg/cpuacct rw - cgroup cgroup rw,cpuacct,cpu\n"
                                                  "32 31 0:29 / /cg/cpuset rw - cgroup cgroup rw,cpuset\n"
                                                  "35 31 0:32 / /cg/memory rw - cgroup cgroup rw,memory\n"
                                                  "41 31 0:38 / /cg/unified rw - cgroup2 cgroup2 rw\n");
}

Test(container, without_groups_there_is_no_limit) {
    cr_assert_eq(yti_container_memory(test_folder_path("")), SIZE_MAX);
    cr_assert_eq(yti_container_cpus(test_folder_path("")), 0);
    write_version_2("/", "/");
    test_folder_write_text("sys/fs/cgroup/cpu.max", "max 100000\n");
    test_folder_write_text("sys/fs/cgroup/memory.max", "max\n");
    test_folder_write_text("sys/fs/cgroup/memory.current", "1000\n");
    cr_assert_eq(yti_container_memory(test_folder_path("")), SIZE_MAX);
    cr_assert_eq(yti_container_cpus(test_folder_path("")), 0);
}

/* The tightest of the own group and those above it; what is cached of files is free. */
Test(container, version_2_is_read_from_the_own_group_upwards) {
    write_version_2("/a/b", "/");
    test_folder_write_text("sys/fs/cgroup/a/b/memory.max", "1073741824\n");
    test_folder_write_text("sys/fs/cgroup/a/b/memory.current", "104857600\n");
    test_folder_write_text("sys/fs/cgroup/a/b/memory.stat", "anon 1\ninactive_file 41943040\nactive_file 7\n");
    test_folder_write_text("sys/fs/cgroup/a/b/cpu.max", "350000 100000\n");
    cr_assert_eq(yti_container_memory(test_folder_path("")), (1024 - 100 + 40) * MIB);
    cr_assert_eq(yti_container_cpus(test_folder_path("")), 4);
    test_folder_write_text("sys/fs/cgroup/a/memory.max", "419430400\n");
    test_folder_write_text("sys/fs/cgroup/a/memory.current", "209715200\n");
    test_folder_write_text("sys/fs/cgroup/a/cpu.max", "50000 100000\n");
    cr_assert_eq(yti_container_memory(test_folder_path("")), 200 * MIB);
    cr_assert_eq(yti_container_cpus(test_folder_path("")), 1);
    test_folder_write_text("sys/fs/cgroup/a/memory.current", "500000000\n"); /* above the limit: swapped out */
    cr_assert_eq(yti_container_memory(test_folder_path("")), 0u);
}

Test(container, version_1_has_a_group_per_controller) {
    write_version_1("/docker/1f");
    test_folder_write_text("cg/memory/docker/1f/memory.limit_in_bytes", "419430400\n");
    test_folder_write_text("cg/memory/docker/1f/memory.usage_in_bytes", "104857600\n");
    test_folder_write_text("cg/memory/docker/1f/memory.stat", "inactive_file 5\ntotal_inactive_file 10485760\n");
    test_folder_write_text("cg/memory/memory.limit_in_bytes", "9223372036854771712\n");
    test_folder_write_text("cg/memory/memory.usage_in_bytes", "9000000000\n");
    test_folder_write_text("cg/cpuacct/docker/1f/cpu.cfs_quota_us", "200000\n");
    test_folder_write_text("cg/cpuacct/docker/1f/cpu.cfs_period_us", "100000\n");
    test_folder_write_text("cg/cpuacct/cpu.cfs_quota_us", "-1\n");
    test_folder_write_text("cg/cpuacct/cpu.cfs_period_us", "100000\n");
    cr_assert_eq(yti_container_memory(test_folder_path("")), (400 - 100 + 10) * MIB);
    cr_assert_eq(yti_container_cpus(test_folder_path("")), 2);
}

/* The path is the host's, the mount point is the container's own group: with a mount that says so, and with one that
 * does not. */
Test(container, in_a_container_the_mount_point_is_its_group) {
    static const char *const roots[] = {"/docker/1f", "/", "/docker/1f/.."};
    for (int i = 0; i < 3; i++) {
        write_version_2(i == 2 ? "/" : "/docker/1f", roots[i]);
        test_folder_write_text("sys/fs/cgroup/memory.max", "419430400\n");
        test_folder_write_text("sys/fs/cgroup/memory.current", "0\n");
        test_folder_write_text("sys/fs/cgroup/cpu.max", "1 100000\n");
        cr_assert_eq(yti_container_memory(test_folder_path("")), 400 * MIB, "%s", roots[i]);
        cr_assert_eq(yti_container_cpus(test_folder_path("")), 1);
    }
}

Test(container, damaged_files_are_no_limit) {
    test_folder_write_text("proc/self/cgroup", "nonsense\n4:memory\n::\n0:x\n\n");
    test_folder_write_text("proc/self/mountinfo", "- - -\n1 2 3\n35 31 0:32 / /cg/memory rw - cgroup\n");
    cr_assert_eq(yti_container_memory(test_folder_path("")), SIZE_MAX);
    write_version_2("/a", "/");
    test_folder_write_text("sys/fs/cgroup/a/memory.max", "lots\n");
    test_folder_write_text("sys/fs/cgroup/a/cpu.max", "100000\n");
    cr_assert_eq(yti_container_memory(test_folder_path("")), SIZE_MAX);
    cr_assert_eq(yti_container_cpus(test_folder_path("")), 0);
}

/* The machine itself: never more than it has, and at least one core. */
Test(container, limits_are_part_of_what_is_available) {
    cr_assert_gt(yti_memory_available(), 0u);
    const int quota = yti_container_cpus("");
    cr_assert(yti_cpu_cores() >= 1 && (quota == 0 || yti_cpu_cores() <= quota));
}

# torch_settings.sh: ways to run PyTorch, by name; sourced by bench_step.sh and torch_search.sh.
#
# torch_setting NAME fills torch_env (environment) and torch_args (arguments of torch_peer). NAME is words joined by +:
# "tcmalloc+compile". What the words do:
#   installed     nothing: channels_last, glibc's allocator as it comes
#   nchw          the other memory format
#   keep          glibc keeps freed pages instead of returning them
#   hugepages     glibc asks for huge pages
#   tcmalloc, jemalloc   another allocator, where the system has it
#   compile       torch.compile of the network (inductor); loss: of the loss as well
#   fused         the library's fused SGD
#   avx2          no AVX-512, in ATen and in oneDNN; nothing on a processor that has none

find_library() { # name, e.g. libjemalloc.so
    ldconfig -p | awk -v name="$1" 'index($1, name) == 1 { print $NF; exit }'
}

torch_setting() {
    torch_env=(A=1) torch_args=()
    local word library
    for word in ${1//+/ }; do
        case $word in
        installed) ;;
        nchw) torch_args+=(--memory-format contiguous) ;;
        keep) torch_env+=(MALLOC_MMAP_MAX_=0 MALLOC_TRIM_THRESHOLD_=99999999999 MALLOC_TOP_PAD_=268435456) ;;
        hugepages) torch_env+=(GLIBC_TUNABLES=glibc.malloc.hugetlb=1) ;;
        tcmalloc | jemalloc)
            library=$(find_library "lib$word")
            [ -n "$library" ] || return 1
            torch_env+=("LD_PRELOAD=$library" MALLOC_CONF=oversize_threshold:1,dirty_decay_ms:-1,muzzy_decay_ms:-1)
            ;;
        compile) torch_args+=(--compile) ;;
        loss) torch_args+=(--compile-loss) ;;
        fused) torch_args+=(--fused-optimizer) ;;
        avx2) torch_env+=(ATEN_CPU_CAPABILITY=avx2 ONEDNN_MAX_CPU_ISA=AVX2) ;;
        *) return 1 ;;
        esac
    done
}

TORCH_SETTINGS="installed nchw keep keep+hugepages tcmalloc tcmalloc+nchw jemalloc tcmalloc+fused installed+compile
    keep+compile tcmalloc+compile tcmalloc+compile+loss tcmalloc+compile+nchw"
TORCH_BEST_TRAINING=keep
TORCH_BEST_INFERENCE=keep+compile

# examples.sh: sourced by the checks that build programs on an installed yolotrain (consumer.sh).

# The sources in a folder, one a line, with the arguments that each is to be run with, made of trained weights, an image,
# a dataset and a model description.
example_sources() { # folder, weights, image, dataset, model
    local source arguments
    for source in "$1"/*.c "$1"/*.cpp; do
        [[ -e $source ]] || continue
        case $source in
        */version.*) arguments="" ;;
        */detect.*) arguments="$2 $3" ;;
        */detect_threads.c) arguments="2 $2 $3 $3" ;;
        */validate.c) arguments="$2 $4" ;;
        */train.c) arguments="$4 model $5 epochs 1 imgsz 64 exist-ok true" ;;
        *) echo "examples.sh: with which arguments is $source run?" >&2 && return 1 ;;
        esac
        echo "$source=$arguments"
    done
}

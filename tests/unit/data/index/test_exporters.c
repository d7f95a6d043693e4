/* Tests of what annotation tools write, as docs/exporters.md lists it: small sets of the form that each tool gives
 * them, with its name and version, and what is read from them. The forms were seen in the tools' own exports; the files
 * here are written by hand. Every image is 40 x 20 pixels.
 */
#include "base/file.h"
#include "data/index/dataset.h"
#include "image/image.h"
#include "support/folder.h"
#include "support/near.h"
#include "support/problems.h"

#include <criterion/criterion.h>
#include <string.h>
#include <unistd.h>

TestSuite(exporters, .init = test_folder_make, .fini = test_folder_remove);

static void make_image(const char *name) {
    yt_image image;
    char png[256];
    cr_assert_eq(yt_image_create(40, 20, &image, NULL), YT_OK);
    memset(image.rgb, 90, 3 * 40 * 20);
    snprintf(png, sizeof png, "%s.bmp", name);
    test_folder_write_text(name, ""); /* makes the folders */
    cr_assert_eq(yt_image_save(test_folder_path(png), &image, NULL), YT_OK);
    cr_assert_eq(rename(test_folder_path(png), test_folder_path(name)), 0); /* the content tells the format */
    yt_image_free(&image);
}

typedef struct file {
    const char *path, *text; /* text NULL: an image */
} file;

enum { MAX_FILES = 10 };

typedef struct export {
    const char *tool;
    file files[MAX_FILES];
    const char *data, *names; /* what is typed; the class names, joined by | */
    int images, boxes;        /* of train */
    double first[5];          /* its first box: class, cx, cy, w, h */
    const char *told;         /* part of what is reported; NULL: nothing is */
    const char *refused;      /* part of the message where it is not read */
}
export;

#define COCO_IMAGES "\"images\": [{\"id\": 0, \"file_name\": \"a.jpg\", \"width\": 40, \"height\": 20}]"

/* What most of them are of: a box in one image of one class, of two classes; the folders beside a YAML. */
#define ONE_CAT .names = "cat", .images = 1, .boxes = 1, .first = {0, .5, .5, .25, .5}
#define ONE_DOG .names = "cat|dog", .images = 1, .boxes = 1, .first = {1, .5, .5, .25, .5}
#define IN_D                                                                                                           \
    { "d/data.yaml", "train: images\nval: images\nnames: [cat]\n" }

static const export exports[] = {
    /* absolute path of the machine it was labelled on, unquoted names, a file name with a hash, an empty test: */
    {.tool = "labelme2yolo 0.4.0, moved to another machine",
     .files = {{"YOLODataset/dataset.yaml",
                "path: /home/annotator/export/YOLODataset\ntrain: images/train\nval: images/val\n"
                "test:\n\nnames:\n  0: on\n  1: no\n  2: 1\n"},
               {"YOLODataset/images/train/a_9f017833.jpg", NULL},
               {"YOLODataset/labels/train/a_9f017833.txt", "1 0.500000 0.250000 0.500000 0.500000\n"}},
     .data = "YOLODataset/dataset.yaml",
     .names = "on|no|1",
     .images = 1,
     .boxes = 1,
     .first = {1, .5, .25, .5, .5}},
    {.tool = "labelme2yolo 0.4.0, unpacked under another name",
     .files = {{"mine/dataset.yaml", "path: /home/annotator/export/YOLODataset\ntrain: images/train\nval: images/val\n"
                                     "names:\n  0: cat\n"},
               {"mine/images/train/a.jpg", NULL},
               {"mine/labels/train/a.txt", "0 0.5 0.25 0.5 0.5\n"}},
     .data = "mine/dataset.yaml",
     .names = "cat",
     .images = 1,
     .boxes = 1,
     .first = {0, .5, .25, .5, .5},
     .told = "path: '/home/annotator/export/YOLODataset' does not exist here; the folder of the YAML is used"},
    /* --output_format polygon: rectangles as four corners, here over the border; a point is a box without a size */
    {.tool = "labelme2yolo 0.4.0 polygon",
     .files = {{"d/dataset.yaml", "train: images\nval: images\nnames: {0: cat}\n"},
               {"d/images/a.jpg", NULL},
               {"d/labels/a.txt", "0 -0.03125 0.125 0.15625 0.125 0.15625 0.541667 -0.03125 0.541667\n0 0.5 0.5\n"}},
     .data = "d/dataset.yaml",
     .names = "cat",
     .images = 1,
     .boxes = 1,
     .first = {0, .0625, .3333335, .1875, .416667},
     .told = "labels/a.txt:2: 3 columns"},
    /* classes.txt and notes.json beside labels/; polygons between boxes */
    {.tool = "label-studio-sdk 2.1.2 YOLO",
     .files = {{"d/data.yaml", "train: images\nval: images\nnames: [cat, dog]\n"},
               {"d/classes.txt", "cat\ndog\n"},
               {"d/notes.json", "{}"},
               {"d/images/a.jpg", NULL},
               {"d/labels/a.txt", "0 0.25 0.5 0.125 0.25\n1 0.5 0.25 0.75 0.25 0.75 0.75 0.5 0.75"}},
     .data = "d/data.yaml",
     .names = "cat|dog",
     .images = 1,
     .boxes = 2,
     .first = {0, .25, .5, .125, .25},
     .told = "boxes and outlines in one file; its rows of 5 columns are taken as boxes"},
    {.tool = "label-studio-sdk 2.1.2 YOLO_OBB",
     .files = {IN_D, {"d/images/a.jpg", NULL}, {"d/labels/a.txt", "0 -0.05 0.3 0.1 0.1 0.3 0.4 0.15 0.6"}},
     .data = "d/data.yaml",
     .names = "cat",
     .images = 1,
     .boxes = 1,
     .first = {0, .125, .35, .35, .5}},
    /* ids from 0, absolute file names */
    {.tool = "label-studio-sdk 2.1.2 COCO",
     .files = {{"d/data.yaml", "train: result.json\nval: result.json\n"},
               {"d/images/a.jpg", NULL},
               {"d/result.json", "{\"images\": [{\"id\": 0, \"file_name\": \"/label-studio/files/images/a.jpg\"}], "
                                 "\"categories\": [{\"id\": 0, \"name\": \"cat\"}], \"annotations\": [{\"id\": 0, "
                                 "\"image_id\": 0, \"category_id\": 0, \"bbox\": [10, 5, 20, 10], \"iscrowd\": 0}]}"}},
     .data = "d/data.yaml",
     .names = "cat",
     .images = 1,
     .boxes = 1,
     .first = {0, .5, .5, .5, .5},
     .told = "result.json: '/label-studio/files/images/a.jpg' does not exist here; "},
    {.tool = "a COCO file with one image twice",
     .files = {{"d/data.yaml", "train: c.json\nval: c.json\n"},
               {"d/a.jpg", NULL},
               {"d/c.json",
                "{\"images\": [{\"id\": 0, \"file_name\": \"a.jpg\"}, {\"id\": 5, \"file_name\": \"a.jpg\"}], "
                "\"categories\": [{\"id\": 0, \"name\": \"cat\"}], \"annotations\": [{\"id\": 1, \"image_id\": 0, "
                "\"category_id\": 0, \"bbox\": [10, 5, 20, 10]}]}"}},
     .data = "d/data.yaml",
     .names = "cat",
     .images = 2,
     .boxes = 1,
     .first = {0, .5, .5, .5, .5},
     .told = "c.json: the images 0 and 5 are one file, "},
    /* obj.data with the prefix data/ whatever the folder is called; labels beside the images */
    {.tool = "datumaro 1.13.12 yolo; CVAT YOLO 1.1",
     .files = {{"export/obj.data",
                "classes = 2\ntrain = data/train.txt\nvalid = data/valid.txt\nnames = data/obj.names\n"
                "backup = backup/\n"},
               {"export/obj.names", "traffic light\nno\n"},
               {"export/train.txt", "data/obj_train_data/a.jpg\n"},
               {"export/obj_train_data/a.jpg", NULL},
               {"export/obj_train_data/a.txt", "1 0.500000 0.500000 0.250000 0.500000\n"}},
     .data = "export/obj.data",
     .names = "traffic light|no",
     .images = 1,
     .boxes = 1,
     .first = {1, .5, .5, .25, .5},
     .told = "train.txt:1: 'data/obj_train_data/a.jpg' does not exist here; "},
    {.tool = "darknet, at its own place",
     .files = {{"data/obj.data",
                "classes=1\r\ntrain=data/train.txt\r\nvalid=data/train.txt\r\nnames=data/obj.names\r\n"},
               {"data/obj.names", "cat\r\n"},
               {"data/train.txt", "data/obj/a.jpg"},
               {"data/obj/a.jpg", NULL},
               {"data/obj/a.txt", "0 0.5 0.5 0.25 0.5\r\n"}},
     .data = "data/obj.data",
     ONE_CAT},
    {.tool = "CVAT YOLO 1.1, the folder named in a YAML",
     .files = {{"export/mine.yaml", "train: obj_train_data\nval: obj_train_data\nnames: [cat]\n"},
               {"export/obj_train_data/a.jpg", NULL},
               {"export/obj_train_data/a.txt", "0 0.5 0.5 0.25 0.5\n"}},
     .data = "export/mine.yaml",
     ONE_CAT},
    /* train.txt with data/images/..., a names map, path: . */
    {.tool = "CVAT Ultralytics YOLO Detection 1.0",
     .files = {{"x/data.yaml", "names:\n  0: cat\npath: .\ntrain: train.txt\n"},
               {"x/train.txt", "data/images/train/a.jpg\n"},
               {"x/images/train/a.jpg", NULL},
               {"x/labels/train/a.txt", "0 0.5 0.5 0.25 0.5\n"}},
     .data = "x/data.yaml",
     ONE_CAT,
     .told = "train.txt:1: 'data/images/train/a.jpg' does not exist here; "},
    {.tool = "datumaro 1.13.12 yolo_ultralytics",
     .files = {{"d/data.yaml", "train: train.txt\nval: train.txt\nnames:\n  0: 'no'\n  1: caf\xC3\xA9\n"},
               {"d/train.txt", "./images/train/a.jpg\n"},
               {"d/images/train/a.jpg", NULL},
               {"d/labels/train/a.txt", "1 0.5 0.5 0.25 0.5\n"}},
     .data = "d",
     .names = "no|caf\xC3\xA9",
     .images = 1,
     .boxes = 1,
     .first = {1, .5, .5, .25, .5}},
    {.tool = "fiftyone 1.22.1 YOLOv5",
     .files = {{"d/dataset.yaml",
                "names:\n  0: cat\npath: /home/annotator/export/d\ntrain: ./images/train/\nval: ./images/val/\n"},
               {"d/images/train/a.jpg", NULL},
               {"d/images/train/b.jpg", NULL},
               {"d/labels/train/a.txt", "0 0.500000 0.500000 0.250000 0.500000"}},
     .data = "d/dataset.yaml",
     .names = "cat",
     .images = 2,
     .boxes = 1,
     .first = {0, .5, .5, .25, .5}},
    {.tool = "fiftyone 1.22.1 include_confidence=True; globox 2.9.0 and yolo save_conf",
     .files = {{"d/dataset.yaml", "names:\n  0: cat\ntrain: images\nval: images\n"},
               {"d/images/a.jpg", NULL},
               {"d/labels/a.txt", "0 0.500000 0.500000 0.250000 0.500000 0.910000"}},
     .data = "d/dataset.yaml",
     .names = "cat",
     .refused = "no usable box in 1 images; 1 bad rows were left out, the first: "},
    {.tool = "fiftyone 1.22.1 YOLOv4",
     .files = {{"d/data.yaml", "train: images.txt\nval: images.txt\nnames: [cat]\n"},
               {"d/obj.names", "cat\n"},
               {"d/images.txt", "data/a.jpg"},
               {"d/data/a.jpg", NULL},
               {"d/data/a.txt", "0 0.5 0.5 0.25 0.5\n"}},
     .data = "d/data.yaml",
     ONE_CAT},
    /* path: .., four decimals, classes as 1.0000, a row of blanks for none */
    {.tool = "pylabel 0.1.55",
     .files = {{"training/dataset.yaml", "names:\n- cat\n- dog\nnc: 2\npath: ..\ntrain: images\n"},
               {"images/a.jpg", NULL},
               {"images/b.jpg", NULL},
               {"labels/a.txt", "1.0000 0.5000 0.5000 0.2500 0.5000\n"},
               {"labels/b.txt", "    \n"}},
     .data = "training/dataset.yaml",
     .names = "cat|dog",
     .images = 2,
     .boxes = 1,
     .first = {1, .5, .5, .25, .5}},
    /* nc and names only: train is added by hand; one polygon among boxes */
    {.tool = "supervision 0.31.2, as written",
     .files = {{"d/data.yaml", "names:\n- cat\nnc: 1\n"},
               {"d/images/a.jpg", NULL},
               {"d/labels/a.txt", "0 0.50000 0.50000 0.25000 0.50000"}},
     .data = "d/data.yaml",
     .names = "cat",
     .refused = "has no 'train:'; a dataset names its images under train: and val:"},
    /* not of a tool: the first word of other programs is the model */
    {.tool = "a model in place of the data set",
     .files = {{"d/yolo26n.yaml", "nc: 80\nbackbone: []\nhead: []\n"}},
     .data = "d/yolo26n.yaml",
     .names = NULL,
     .refused = "describes a model; it is named with --model"},
    {.tool = "supervision 0.31.2, from a COCO file with a polygon",
     .files = {{"d/data.yaml", "names:\n- cat\nnc: 1\ntrain: images\nval: images\n"},
               {"d/images/a.jpg", NULL},
               {"d/labels/a.txt",
                "0 0.10000 0.10000 0.40000 0.10000 0.40000 0.60000\n0 0.50000 0.50000 0.25000 0.50000"}},
     .data = "d/data.yaml",
     .names = "cat",
     .images = 1,
     .boxes = 2,
     .first = {0, .25, .35, .3, .5},
     .told = "a.txt:2: boxes and outlines in one file"},
    /* absolute folders, val: '' where there is none, the class as the category's id */
    {.tool = "sahi 0.12.8, moved",
     .files = {{"out/data.yml", "names: ['cat', 'dog']\nnc: 2\ntrain: /home/annotator/out/train\nval: ''\n"},
               {"out/train/a.jpg", NULL},
               {"out/train/a.txt", "1 0.5 0.5 0.25 0.5\n"}},
     .data = "out/data.yml",
     ONE_DOG,
     .told = "train: '/home/annotator/out/train' does not exist here; "},
    {.tool = "sahi 0.12.8, datasetsconverter 0.0.1: category ids from 1",
     .files = {{"d/data.yml", "names: ['cat', 'dog']\ntrain: train\nval: train\n"},
               {"d/train/a.jpg", NULL},
               {"d/train/a.txt", "1 0.5 0.5 0.25 0.5\n2 0.5 0.5 0.25 0.25\n"}},
     .data = "d/data.yml",
     ONE_DOG,
     .told = "there is a class 2, and no class 0: are the classes numbered from 1?"},
    {.tool = "globox 2.9.0 without label_to_id",
     .files = {IN_D, {"d/images/a.jpg", NULL}, {"d/labels/a.txt", "cat 0.5 0.5 0.25 0.5"}},
     .data = "d/data.yaml",
     .names = "cat",
     .refused = "the class 'cat' is not a number"},
    /* rows and classes.txt beside the images */
    {.tool = "labelImg 1.8.6",
     .files = {{"d/data.yaml", "train: set\nval: set\nnames: [cat]\n"},
               {"d/set/classes.txt", "cat\n"},
               {"d/set/a.jpg", NULL},
               {"d/set/a.txt", "0 0.500000 0.500000 0.250000 0.500000\n"},
               {"d/set/b.jpg", NULL}},
     .data = "d/data.yaml",
     .names = "cat",
     .images = 2,
     .boxes = 1,
     .first = {0, .5, .5, .25, .5}},
    /* use_segments=True: a box as its four corners, here over the border by more than 1 % */
    {.tool = "convert_coco (8.4.190) use_segments=True",
     .files = {IN_D,
               {"d/images/train/a.jpg", NULL},
               {"d/labels/train/a.txt", "0 0.875 0.25 1.125 0.25 1.125 0.75 0.875 0.75\n"}},
     .data = "d/data.yaml",
     .names = "cat",
     .images = 1,
     .boxes = 1,
     .first = {0, 1, .5, .25, .5}},
    {.tool = "convert_coco (8.4.190), cls91to80=False with ids from 0",
     .files = {IN_D, {"d/images/a.jpg", NULL}, {"d/labels/a.txt", "-1 0.5 0.5 0.25 0.5\n"}},
     .data = "d/data.yaml",
     .names = "cat",
     .refused = "the class '-1' is not a whole number from 0"},
    {.tool = "autosplit (8.4.190)",
     .files = {{"d/data.yaml", "train: autosplit_train.txt\nval: autosplit_train.txt\nnames: [cat]\n"},
               {"d/autosplit_train.txt", "./images/a.jpg\n"},
               {"d/images/a.jpg", NULL},
               {"d/labels/a.txt", "0 0.5 0.5 0.25 0.5"}},
     .data = "d/data.yaml",
     ONE_CAT},
    /* ../train/images counts from a folder that is not there; valid/ */
    {.tool = "Roboflow, YOLOv8 zip",
     .files = {{"d/data.yaml",
                "train: ../train/images\nval: ../valid/images\ntest: ../test/images\n\nnc: 1\nnames: ['cat']\n\n"
                "roboflow:\n  workspace: w\n  version: 1\n"},
               {"d/train/images/a_jpg.rf.0a1b.jpg", NULL},
               {"d/train/labels/a_jpg.rf.0a1b.txt", "0 0.5 0.5 0.25 0.5"}},
     .data = "d/data.yaml",
     ONE_CAT},
    /* a group as category 0, which no box has */
    {.tool = "Roboflow, COCO zip",
     .files = {{"d/data.yaml", "train: train/_annotations.coco.json\nval: train/_annotations.coco.json\n"},
               {"d/train/a.jpg", NULL},
               {"d/train/_annotations.coco.json",
                "{\"info\": {}, \"categories\": [{\"id\": 0, \"name\": \"animals\", \"supercategory\": "
                "\"none\"}, {\"id\": 1, "
                "\"name\": \"cat\", \"supercategory\": \"animals\"}, {\"id\": 2, \"name\": \"dog\", "
                "\"supercategory\": "
                "\"animals\"}], " COCO_IMAGES
                ", \"annotations\": [{\"id\": 0, \"image_id\": 0, \"category_id\": 2, \"bbox\": "
                "[10, 5, 20, 10], \"area\": 200, \"segmentation\": [], \"iscrowd\": 0}]}"}},
     .data = "d/data.yaml",
     .names = "cat|dog",
     .images = 1,
     .boxes = 1,
     .first = {1, .5, .5, .5, .5},
     .told = "the category 'animals' groups others and has no box; it is no class"},
    {.tool = "darwin-py 3.6.3 yolo, yolo_segmented",
     .files = {IN_D,
               {"d/images/a.jpg", NULL},
               {"d/images/b.jpg", NULL},
               {"d/labels/darknet.labels", "cat\n"},
               {"d/labels/a.txt", "0 0.4 0.4 0.6 0.4 0.6 0.6 0.4 0.6\n"},
               {"d/labels/b.txt", "\n"}},
     .data = "d/data.yaml",
     .names = "cat",
     .images = 2,
     .boxes = 1,
     .first = {0, .5, .5, .2, .2}},
    {.tool = "supervisely 6.74.51",
     .files = {{"project/data_config.yaml", "names: [cat]\ncolors: [[1, 2, 3]]\nnc: 1\ntrain: "
                                            "../project/images/train\nval: ../project/images/val\n"
                                            "train_labels: ../project/labels/train\n"},
               {"project/images/train/ds_a.jpg", NULL},
               {"project/labels/train/ds_a.txt", "0 0.500000 0.500000 0.250000 0.500000"}},
     .data = "project/data_config.yaml",
     ONE_CAT},
    /* pose exports of supervisely, X-AnyLabeling and Label Studio */
    {.tool = "pose export with kpt_shape:",
     .files = {{"d/data.yaml", "train: images\nval: images\nkpt_shape: [2, 3]\nnames: [person]\n"},
               {"d/images/a.jpg", NULL},
               {"d/labels/a.txt", "0 0.5 0.5 0.2 0.3 0.4 0.4 1 0.6 0.6 2"}},
     .data = "d/data.yaml",
     .names = "person",
     .images = 1,
     .boxes = 1,
     .first = {0, .5, .5, .2, .3}},
    /* polygons mixed with boxes; the ending in capitals is not cut off */
    {.tool = "kili 26.2.4",
     .files = {{"d/data.yaml", "train: images\nval: images\nnames:\n  0: NO\n  1: ON\n"},
               {"d/images/a.jpg", NULL},
               {"d/images/e.JPG", NULL},
               {"d/labels/a.txt", "0 0.5 0.5 0.25 0.5\n"},
               {"d/labels/e.JPG.txt", "1 0.5 0.5 0.25 0.5\n"}},
     .data = "d/data.yaml",
     .names = "NO|ON",
     .images = 2,
     .boxes = 1,
     .first = {0, .5, .5, .25, .5},
     .told = "labels/e.JPG.txt (of the image a.jpg it is a.txt and not a.jpg.txt)"},
    {.tool = "cvannotate 1.0.0",
     .files = {IN_D, {"d/images/a.jpg", NULL}, {"d/labels/a.jpg.txt", "0 0.5 0.5 0.25 0.5\n"}},
     .data = "d/data.yaml",
     .names = "cat",
     .refused = "none of the 1 images has a label file; the first would be "},
    /* Python's list as names, twelve decimals, renumbered images */
    {.tool = "luxonis-ml 0.10.2 yolov8",
     .files = {{"d/dataset.yaml", "train: images/train\nval: images/train\nnc: 2\nnames: ['cat', 'dog']\n"},
               {"d/images/train/0.jpg", NULL},
               {"d/labels/train/0.txt", "1 0.500000000000 0.500000000000 0.250000000000 0.500000000000\n"}},
     .data = "d/dataset.yaml",
     ONE_DOG},
    {.tool = "luxonis-ml 0.10.2 NDJSON; Ultralytics Platform",
     .files = {{"d/set.ndjson", "{\"type\": \"dataset\", \"task\": \"detect\", \"name\": \"set\", "
                                "\"class_names\": {\"1\": \"dog\", \"0\": \"cat\"}}\n"
                                "{\"type\": \"image\", \"file\": \"b.jpg\", \"url\": "
                                "\"https://example.org/b.jpg\", \"split\": \"train\"}\n"
                                "{\"type\": \"image\", \"file\": \"a.jpg\", \"width\": 40, \"height\": 20, "
                                "\"split\": \"train\", \"annotations\": "
                                "{\"boxes\": [[1, 0.5, 0.5, 0.25, 0.5], [2, 0.5, 0.5, 0.1, 0.1]]}}\n"
                                "{\"type\": \"image\", \"file\": \"c.jpg\", \"split\": \"val\", "
                                "\"annotations\": {\"boxes\": []}}\n"},
               {"d/images/train/a.jpg", NULL},
               {"d/images/val/c.jpg", NULL}},
     .data = "d/set.ndjson",
     ONE_DOG,
     .told = "set.ndjson:2: the image 'b.jpg' is not here; it is looked for beside the file, in "
             "images/train/ first; download it "
             "from https://example.org/b.jpg"},
    {.tool = "X-AnyLabeling 4.2.1 hbb, other shapes left out",
     .files = {IN_D,
               {"d/images/a.jpg", NULL},
               {"d/images/b.jpg", NULL},
               {"d/labels/a.txt", "0 0.500000 0.500000 0.250000 0.500000\n"},
               {"d/labels/b.txt", ""}},
     .data = "d/data.yaml",
     .names = "cat",
     .images = 2,
     .boxes = 1,
     .first = {0, .5, .5, .25, .5}},
    /* a rectangle is two corners in five columns, which is a box by the format: as written */
    {.tool = "pylabelme2yolo 0.1.2",
     .files = {{"data/dataset.yaml",
                "path: /home/annotator/data\ntrain: images/train\nval: images/train\nnames:\n  0: cat\n"},
               {"data/images/train/a.jpg", NULL},
               {"data/labels/train/a.txt", "0 0.4 0.4 0.6 0.6\n"}},
     .data = "data/dataset.yaml",
     .names = "cat",
     .images = 1,
     .boxes = 1,
     .first = {0, .4, .4, .6, .6}},
    {.tool = "labelme-to-yolo 0.2.1, from the folder above",
     .files = {{"project.yml", "train: out/train.txt\nval: out/train.txt\nnames: [cat]\n"},
               {"out/train.txt", "out/images/a.jpg\n"},
               {"out/images/a.jpg", NULL},
               {"out/labels/a.txt", "0 0.4 0.4 0.6 0.4 0.6 0.6\n"}},
     .data = "project.yml",
     .names = "cat",
     .images = 1,
     .boxes = 1,
     .first = {0, .5, .5, .2, .2}},
    {.tool = "coco-to-yolo 1.2.1",
     .files = {{"d/set.yaml", "path: .\ntrain: images/train\nval: images/train\nnames:\n  0: cat\n"},
               {"d/images/train/a.jpg", NULL},
               {"d/labels/train/a.txt", "0 0.5 0.5 0.25 0.5\n"}},
     .data = "d/set.yaml",
     ONE_CAT},
    /* names unquoted, an absolute path */
    {.tool = "boxlab 0.1.4",
     .files = {{"out/data.yaml", "path: /home/annotator/boxlab\ntrain: images/train\nval: images/train\nnc: "
                                 "2\nnames:\n  0: no\n  1: 12:30\n"},
               {"out/images/train/a.jpg", NULL},
               {"out/labels/train/a.txt", "1 0.5 0.5 0.25 0.5\n"}},
     .data = "out/data.yaml",
     .names = "no|12:30",
     .images = 1,
     .boxes = 1,
     .first = {1, .5, .5, .25, .5},
     .told = "path: '/home/annotator/boxlab' does not exist here"},
    /* classes.txt and labels/ only; the left border is kept */
    {.tool = "yolococo 0.2.1, dataflow-cv 3.0.0",
     .files =
         {IN_D, {"d/classes.txt", "cat\n"}, {"d/images/a.jpg", NULL}, {"d/labels/a.txt", "0 0.0625 0.5 0.25 0.5\n"}},
     .data = "d/data.yaml",
     .names = "cat",
     .images = 1,
     .boxes = 1,
     .first = {0, .0625, .5, .25, .5}},
    /* the corner as centre: a box over the border by more than 1 % */
    {.tool = "imgann 0.8.1",
     .files = {IN_D, {"d/images/a.jpg", NULL}, {"d/labels/a.txt", "0 -0.03 0.5 0.2 0.5\n"}},
     .data = "d/data.yaml",
     .names = "cat",
     .images = 1,
     .boxes = 1,
     .first = {0, .035, .5, .07, .5},
     .told = "reaches too far beyond the image; the part inside is used"},
    /* classes come back as 3.0 */
    {.tool = "albumentations 2.0.8 and X 2.5.1",
     .files = {{"d/data.yaml", "train: images\nval: images\nnames: [a, b, c, d]\n"},
               {"d/images/a.jpg", NULL},
               {"d/labels/a.txt", "3.0 0.5 0.5 1.000001 0.5\n"}},
     .data = "d/data.yaml",
     .names = "a|b|c|d",
     .images = 1,
     .boxes = 1,
     .first = {3, .5, .5, 1.000001, .5}},
    /* masks: iscrowd 1 everywhere */
    {.tool = "COCO from a mask exporter",
     .files = {{"d/data.yaml", "train: m.json\nval: m.json\n"},
               {"d/a.jpg", NULL},
               {"d/m.json", "{\"categories\": [{\"id\": 1, \"name\": \"cat\"}], " COCO_IMAGES
                            ", \"annotations\": [{\"id\": 1, \"image_id\": 0, "
                            "\"category_id\": 1, \"bbox\": [1, 2, 3, 4], \"iscrowd\": 1}]}"}},
     .data = "d/data.yaml",
     .names = "cat",
     .refused = "no usable box in 1 images; 1 boxes are crowds (iscrowd)"},
    /* scripts on Windows */
    {.tool = "lists, YAML and COCO with backslashes",
     .files = {{"d/data.yaml",
                "path: C:\\data\\d\ntrain: [lists\\train.txt, 'images\\more']\nval: images\nnames: [cat]\n"},
               {"d/lists/train.txt", "D:\\work\\d\\images\\train\\a.jpg\r\n"},
               {"d/images/train/a.jpg", NULL},
               {"d/labels/train/a.txt", "0 0.5 0.5 0.25 0.5\r\n"},
               {"d/images/more/b.jpg", NULL}},
     .data = "d/data.yaml",
     .names = "cat",
     .images = 2,
     .boxes = 1,
     .first = {9},
     .told = "'D:\\work\\d\\images\\train\\a.jpg' does not exist here; "},
    {.tool = "a COCO file with backslashes and ids as texts",
     .files = {{"d/data.yaml", "train: c.json\nval: c.json\n"},
               {"d/images/train/a.jpg", NULL},
               {"d/c.json", "{\"categories\": [{\"id\": \"1\", \"name\": \"cat\"}], \"images\": [{\"id\": "
                            "\"0007\", \"file_name\": "
                            "\"train\\\\a.jpg\"}], \"annotations\": [{\"id\": \"3\", \"image_id\": \"7\", "
                            "\"category_id\": \"1\", \"bbox\": "
                            "[10, 5, 20, 10]}]}"}},
     .data = "d/data.yaml",
     .names = "cat",
     .images = 1,
     .boxes = 1,
     .first = {0, .5, .5, .5, .5}},
    {.tool = "a YAML dumped with anchors",
     .files = {{"d/data.yaml", "train: &t [images]\nval: *t\nnames: [cat]\n"},
               {"d/images/a.jpg", NULL},
               {"d/labels/a.txt", "0 0.5 0.5 0.25 0.5"}},
     .data = "d/data.yaml",
     ONE_CAT},
    {.tool = "a class name twice",
     .files = {{"d/data.yaml", "train: images\nval: images\nnames: [cat, dog, cat]\n"},
               {"d/images/a.jpg", NULL},
               {"d/labels/a.txt", "0 0.5 0.5 0.25 0.5"}},
     .data = "d/data.yaml",
     .names = "cat|dog|cat",
     .images = 1,
     .boxes = 1,
     .first = {0, .5, .5, .25, .5},
     .told = "the classes 0 and 2 are both called 'cat'"},
    {.tool = "a data set of grey images",
     .files = {{"d/data.yaml", "train: images\nval: images\nchannels: 1\nnames: [cat]\n"},
               {"d/images/a.jpg", NULL},
               {"d/labels/a.txt", "0 0.5 0.5 0.25 0.5"}},
     .data = "d/data.yaml",
     ONE_CAT,
     .told = "channels: 1"},
    {.tool = "a data set of four channels",
     .files = {{"d/data.yaml", "train: images\nchannels: 4\nnames: [cat]\n"}},
     .data = "d/data.yaml",
     .refused = "channels: 4 are not read"},
    {.tool = "a COCO file in place of a YAML",
     .files = {{"d/c.json", "{}"}},
     .data = "d/c.json",
     .refused = "is no dataset YAML; a COCO file is named in one: train: c.json"},
    {.tool = "an archive in place of a YAML",
     .files = {{"d/export.ZIP", "PK"}},
     .data = "d/export.ZIP",
     .refused = "is an archive; unpack it"},
    {.tool = "a folder without a YAML",
     .files = {{"d/images/a.jpg", NULL}},
     .data = "d",
     .refused = "holds 0 YAML files; a data set has one with"},
    {.tool = "names of darknet in place of its data",
     .files = {{"d/obj.names", "cat"}},
     .data = "d/obj.names",
     .refused = "name the obj.data"},
    {.tool = "obj.data without names",
     .files = {{"d/obj.data", "classes = 1\ntrain = train.txt\n"}},
     .data = "d/obj.data",
     .refused = "has no line names = FILE"},
    {.tool = "obj.data of another number of classes",
     .files = {{"d/obj.data", "classes = 2\nnames = obj.names\n"}, {"d/obj.names", "cat\n"}},
     .data = "d/obj.data",
     .refused = "classes = 2, but there are 1 names"},
    {.tool = "a path in double quotes",
     .files = {{"d/data.yaml", "train: \"images\\train\"\nval: x\nnames: [cat]\n"}},
     .data = "d/data.yaml",
     .names = "cat",
     .refused = "in double quotes a backslash begins an escape"},
    {.tool = "an NDJSON file without names",
     .files = {{"d/s.ndjson", "{\"type\": \"image\", \"file\": \"a.jpg\"}\n"}},
     .data = "d/s.ndjson",
     .refused = "the first line must describe the set, with class_names"},
};

static void expect_names(const export *e, const yti_dataset *dataset) {
    char joined[512] = "";
    for (int i = 0; i < dataset->n_classes; i++)
        snprintf(joined + strlen(joined), sizeof joined - strlen(joined), "%s%s", i ? "|" : "", dataset->names[i]);
    cr_assert_str_eq(joined, e->names, "%s: %s", e->tool, joined);
}

static void expect_first_box(const export *e, const yti_split *split) {
    for (int i = 0; i < split->n_samples; i++)
        for (int k = 0; k < split->samples[i].n_labels; k++) {
            const yti_label *label = &split->samples[i].labels[k];
            if (label->coco_only || e->first[0] == 9) continue;
            const yti_cxcywh b = label->box;
            cr_assert_eq(label->class_id, (int)e->first[0], "%s", e->tool);
            cr_assert(test_near((double)b.cx, e->first[1], 1e-6) && test_near((double)b.cy, e->first[2], 1e-6), "%s",
                      e->tool);
            cr_assert(test_near((double)b.w, e->first[3], 1e-6) && test_near((double)b.h, e->first[4], 1e-6), "%s",
                      e->tool);
            return;
        }
}

static void expect_read(const export *e, const yti_split *split, const test_problems *p) {
    cr_assert_eq(split->n_samples, e->images, "%s: %d images; %s", e->tool, split->n_samples, p->text);
    cr_assert_eq(split->summary.boxes, e->boxes, "%s: %d boxes; %s", e->tool, split->summary.boxes, p->text);
    expect_first_box(e, split);
    if (e->told)
        cr_assert_not_null(strstr(p->text, e->told), "%s: '%s' does not say '%s'", e->tool, p->text, e->told);
    else
        cr_assert_str_eq(p->text, "", "%s: %s", e->tool, p->text);
}

static void check_export(const export *e) {
    for (int i = 0; i < MAX_FILES && e->files[i].path; i++) {
        if (e->files[i].text)
            test_folder_write_text(e->files[i].path, e->files[i].text);
        else
            make_image(e->files[i].path);
    }
    yti_dataset dataset;
    yt_err err = {0};
    yt_status status = yti_dataset_open(test_folder_path(e->data), &dataset, &err);
    if (status == YT_OK) {
        if (e->names) expect_names(e, &dataset);
        test_problems p = {0};
        yti_split split;
        yti_scan_options options = {.fraction = 1, .problem = test_problems_note, .context = &p, .threads = 1};
        status = yti_dataset_scan(&dataset, "train", &options, &split, &err);
        if (status == YT_OK) {
            cr_assert_null(e->refused, "%s was read", e->tool);
            expect_read(e, &split, &p);
            yti_split_free(&split);
        }
        yti_dataset_close(&dataset);
    }
    if (status == YT_OK) return;
    cr_assert_not_null(e->refused, "%s: %s", e->tool, err.text);
    cr_assert_not_null(strstr(err.text, e->refused), "%s: '%s' does not say '%s'", e->tool, err.text, e->refused);
}

Test(exporters, every_form_is_read_or_refused_as_the_table_says) {
    char here[1024];
    cr_assert_not_null(getcwd(here, sizeof here));
    for (size_t i = 0; i < sizeof exports / sizeof *exports; i++) {
        test_folder_make();
        cr_assert_eq(chdir(test_folder_path(".")), 0); /* nothing is found by chance */
        check_export(&exports[i]);
        cr_assert_eq(chdir(here), 0);
        test_folder_remove();
    }
    test_folder_make();
}

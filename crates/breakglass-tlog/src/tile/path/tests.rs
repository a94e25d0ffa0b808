use super::*;

#[test]
fn paths_are_spelled_as_tlog_tiles_says() {
    for (level, index, width, path) in [
        (0, 0, 256, "tile/0/000"),
        (0, 0, 1, "tile/0/000.p/1"),
        (0, 1000, 5, "tile/0/x001/000.p/5"),
        (1, 1_234_067, 256, "tile/1/x001/x234/067"),
        (
            63,
            u64::MAX,
            255,
            "tile/63/x018/x446/x744/x073/x709/x551/615.p/255",
        ),
    ] {
        let tile = TilePath::new(level, index, width).unwrap();
        assert_eq!(tile.path(), path);
        assert_eq!(TilePath::parse(path), Ok(tile));
    }
    let entries = EntriesPath::new(0, 3).unwrap();
    assert_eq!(entries.path(), "tile/entries/000.p/3");
    assert_eq!(EntriesPath::parse("tile/entries/000.p/3"), Ok(entries));
    let entries = EntriesPath::new(1_234_067, 256).unwrap();
    assert_eq!(
        EntriesPath::parse("tile/entries/x001/x234/067"),
        Ok(entries)
    );
}

#[test]
fn every_other_spelling_is_refused() {
    for (path, error) in [
        ("", PathError::Prefix { expected: "tile/" }),
        ("/tile/0/000", PathError::Prefix { expected: "tile/" }),
        ("tile/0", PathError::Level),
        ("tile/00/000", PathError::Level),
        ("tile/64/000", PathError::Level),
        ("tile/-1/000", PathError::Level),
        ("tile/entries/000", PathError::Level),
        ("tile/0/", PathError::Index),
        ("tile/0/0", PathError::Index),
        ("tile/0/0000", PathError::Index),
        ("tile/0/x000/001", PathError::Index),
        ("tile/0/001/000", PathError::Index),
        ("tile/0/x001/x000", PathError::Index),
        ("tile/0/x001/", PathError::Index),
        ("tile/0/x1/000", PathError::Index),
        ("tile/0/000/", PathError::Index),
        ("tile/0/+00", PathError::Index),
        ("tile/0/x018/x446/x744/x073/x709/x551/616", PathError::Index),
        ("tile/0/000.p/0", PathError::Width),
        ("tile/0/000.p/256", PathError::Width),
        ("tile/0/000.p/05", PathError::Width),
        ("tile/0/000.p/", PathError::Width),
        ("tile/0/000.p/5.p/5", PathError::Width),
        ("tile/0/000.p", PathError::Index),
    ] {
        assert_eq!(TilePath::parse(path), Err(error), "{path:?}");
    }
    assert!(EntriesPath::parse("tile/0/000").is_err());
    assert!(EntriesPath::parse("tile/entries/x000/000").is_err());
    assert_eq!(TilePath::new(64, 0, 1), Err(PathError::Level));
    assert_eq!(TilePath::new(0, 0, 0), Err(PathError::Width));
    assert_eq!(EntriesPath::new(0, 257), Err(PathError::Width));
}

#[test]
fn a_size_says_which_tiles_exist() {
    let paths = |size| {
        tiles_for_size(size)
            .map(|tile| tile.path())
            .collect::<Vec<_>>()
    };
    assert!(paths(0).is_empty());
    assert_eq!(paths(1), ["tile/0/000.p/1"]);
    assert_eq!(paths(255), ["tile/0/000.p/255"]);
    assert_eq!(paths(256), ["tile/0/000", "tile/1/000.p/1"]);
    assert_eq!(
        paths(257),
        ["tile/0/000", "tile/0/001.p/1", "tile/1/000.p/1"]
    );

    let tiles = paths(70_000);
    assert_eq!(tiles.len(), 273 + 1 + 1 + 1 + 1);
    assert_eq!(
        tiles[272..],
        [
            "tile/0/272",
            "tile/0/273.p/112",
            "tile/1/000",
            "tile/1/001.p/17",
            "tile/2/000.p/1",
        ]
    );

    let bundles = entries_for_size(70_000)
        .map(|bundle| bundle.path())
        .collect::<Vec<_>>();
    assert_eq!(bundles.len(), 274);
    assert_eq!(bundles[273], "tile/entries/273.p/112");
    assert_eq!(entries_for_size(256).count(), 1);
    assert_eq!(entries_for_size(0).count(), 0);
}

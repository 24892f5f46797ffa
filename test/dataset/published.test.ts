import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DataError, UsageError } from '../../src/core/errors.ts';
import { checkProblems } from '../../src/dataset/problems.ts';
import { readDataset } from '../../src/dataset/read.ts';
import { folderWith, named } from './folder.ts';

const table = (...lines: readonly string[]): string => `${lines.join('\n')}\n`;

describe('the ISIC Archive', () => {
  const header =
    'isic_id,attribution,copyright_license,age_approx,anatom_site_general,concomitant_biopsy,diagnosis_1,diagnosis_2,diagnosis_3,diagnosis_4,diagnosis_5,diagnosis_confirm_type,image_type,lesion_id,patient_id,sex';
  const csv = table(
    header,
    'ISIC_0000001,"Hospital A, Barcelona",CC-BY,55,lower extremity,True,Malignant,Malignant melanocytic proliferations (Melanoma),Melanoma Invasive,"Melanoma Invasive, Superficial spreading",,histopathology,dermoscopic,IL_1,IP_1,female',
    'ISIC_0000002,Hospital B,CC-0,,torso,False,Benign,Benign melanocytic proliferations,Nevus,,,single image expert consensus,dermoscopic,IL_2,IP_1,',
    'ISIC_0000003,Hospital B,CC-BY-NC,30,torso,,Indeterminate,Indeterminate melanocytic proliferations,AIMP,,,histopathology,dermoscopic,IL_3,IP_2,male',
    'ISIC_0000004,Hospital B,CC-0,30,torso,,,,,,,,dermoscopic,IL_4,,male',
  );
  const files = { 'metadata.csv': csv, ...named('ISIC_0000001.jpg', 'sub/ISIC_0000002.JPG', 'ISIC_0000003.jpg') };

  it('is told by its columns; indeterminate rows are left out on purpose', async () => {
    const data = await readDataset(folderWith(files));
    expect([data.format, data.labels]).toEqual(['isic-archive', ['Benign', 'Malignant']]);
    expect(data.taxonomy).toEqual({ positive: 'malignant', negative: 'benign', positiveLabels: ['Malignant'] });
    const [first, second] = data.examples;
    expect(first).toMatchObject({
      id: 'ISIC_0000001',
      lesionId: 'IL_1',
      patientId: 'IP_1',
      source: 'Hospital A, Barcelona',
      attributes: { concomitant_biopsy: 'True', copyright_license: 'CC-BY', diagnosis_confirm_type: 'histopathology' },
    });
    expect(second?.attributes).toMatchObject({ age_approx: '', diagnosis_3: 'Nevus' });
    expect(data.problems.map(({ kind, where }) => [kind, where])).toEqual([
      ['excluded', 'metadata.csv:4'],
      ['no-label', 'metadata.csv:5'],
    ]);
  });

  it('takes a finer level, where empty the next coarser one, and knows which of its names are malignant', async () => {
    const data = await readDataset(folderWith(files), { label: 'diagnosis_4' });
    expect(data.labels).toEqual(['Melanoma Invasive, Superficial spreading', 'Nevus']);
    expect(data.taxonomy?.positiveLabels).toEqual(['Melanoma Invasive, Superficial spreading']);
  });
});

describe('excluded rows', () => {
  it('are not counted as unusable ones', () => {
    const excluded = Array.from({ length: 90 }, () => ({ kind: 'excluded' as const, where: 'x', detail: 'y' }));
    const missing = { kind: 'missing-file' as const, where: 'x', detail: 'y' };
    checkProblems(110, [...excluded, missing]);
    expect(() => checkProblems(110, [...excluded, missing, missing])).toThrow(/got 2 of 20/);
  });
});

describe('ISIC challenges', () => {
  const oneHot = 'image,MEL,NV,BCC,AK,BKL,DF,VASC,SCC,UNK';
  const truth = table(
    oneHot,
    'ISIC_1,1.0,0.0,0,0,0,0,0,0,0',
    'ISIC_2_downsampled,0,1,0,0,0,0,0,0,0',
    'ISIC_3,0,0,0,1,0,0,0,0,0',
  );
  const images = named(...['ISIC_1', 'ISIC_2_downsampled', 'ISIC_3'].map((id) => `ISIC_2019_Training_Input/${id}.jpg`));
  const meta = table(
    'image,age_approx,anatom_site_general,lesion_id,sex',
    'ISIC_2_downsampled,55.0,anterior torso,MSK4_1,female',
    'ISIC_1,30.0,,BCN_1,male',
  );

  it('2019: one column a class, and the metadata beside it', async () => {
    const data = await readDataset(
      folderWith({ 'ISIC_2019_Training_GroundTruth.csv': truth, 'ISIC_2019_Training_Metadata.csv': meta, ...images }),
    );
    expect([data.format, data.labels]).toEqual(['isic-challenge', ['AK', 'MEL', 'NV']]);
    expect(data.taxonomy?.positiveLabels).toEqual(['AK', 'MEL']);
    expect(data.examples[0]).toMatchObject({
      id: 'ISIC_1',
      label: 'MEL',
      lesionId: 'BCN_1',
      attributes: { age_approx: '30.0', sex: 'male' },
    });
    expect(data.examples[0]?.attributes).not.toHaveProperty('MEL');
    expect(data.examples[2]?.lesionId).toBeUndefined();
  });

  it('2018: lesion groupings', async () => {
    const data = await readDataset(
      folderWith({
        'ISIC2018_Task3_Training_GroundTruth.csv': table(
          'image,MEL,NV,BCC,AKIEC,BKL,DF,VASC',
          'ISIC_1,1,0,0,0,0,0,0',
          'ISIC_2,0,1,0,0,0,0,0',
        ),
        'ISIC2018_Task3_Training_LesionGroupings.csv': table(
          'image,lesion_id,diagnosis_confirm_type',
          'ISIC_1,HAM_1,histopathology',
          'ISIC_2,HAM_2,follow-up',
        ),
        ...named('a/ISIC_1.jpg', 'a/ISIC_2.jpg'),
      }),
    );
    expect(data.examples.map(({ lesionId, attributes }) => [lesionId, attributes])).toEqual([
      ['HAM_1', { diagnosis_confirm_type: 'histopathology' }],
      ['HAM_2', { diagnosis_confirm_type: 'follow-up' }],
    ]);
  });

  it.each([
    ['ISIC_1,1,1,0,0,0,0,0,0,0', /GroundTruth\.csv:2, column "NV": expected 0, because MEL is 1 already, got "1"/],
    ['ISIC_1,1,0,x,0,0,0,0,0,0', /GroundTruth\.csv:2, column "BCC": expected 0 or 1, got "x"/],
    ['ISIC_1,0.5,0,0,0,0,0,0,0,0', /column "MEL"/],
  ])('names row and column of %s', async (row, message) => {
    const root = folderWith({ 'ISIC_2019_Training_GroundTruth.csv': table(oneHot, row) });
    const error = await readDataset(root).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(DataError);
    expect(String(error)).toMatch(message);
  });

  it('does not guess between two tables of truth', async () => {
    const root = folderWith({
      'ISIC_2019_Training_GroundTruth.csv': truth,
      'ISIC_2019_Test_GroundTruth.csv': truth,
      ...images,
    });
    await expect(readDataset(root)).rejects.toThrow(
      /ISIC_2019_Test_GroundTruth.csv, ISIC_2019_Training_GroundTruth.csv/,
    );
    expect((await readDataset(join(root, 'ISIC_2019_Training_GroundTruth.csv'))).examples).toHaveLength(3);
  });

  it('2020: patients, and a picture rather than the DICOM file of the same name', async () => {
    const csv = table(
      'image_name,patient_id,sex,age_approx,anatom_site_general_challenge,diagnosis,benign_malignant,target',
      'ISIC_1,IP_1,male,45.0,head/neck,unknown,benign,0',
      'ISIC_2,IP_2,female,45.0,torso,melanoma,malignant,1',
    );
    const root = folderWith({
      'train.csv': csv,
      'test.csv': table(
        'image_name,patient_id,sex,age_approx,anatom_site_general_challenge',
        'ISIC_9,IP_9,male,1,torso',
      ),
      'sample_submission.csv': table('image_name,target', 'ISIC_9,0'),
      ...named('jpeg/train/ISIC_1.jpg', 'jpeg/train/ISIC_2.jpg', 'train/ISIC_1.dcm', 'train/ISIC_2.dcm'),
    });
    const data = await readDataset(root);
    expect([data.format, data.labels]).toEqual(['isic2020', ['benign', 'malignant']]);
    expect(data.examples.map(({ path }) => path)).toEqual([
      join(root, 'jpeg/train/ISIC_1.jpg'),
      join(root, 'jpeg/train/ISIC_2.jpg'),
    ]);
    expect(data.examples[1]).toMatchObject({ patientId: 'IP_2', attributes: { diagnosis: 'melanoma' } });
    expect((await readDataset(root, { label: 'diagnosis' })).taxonomy?.positiveLabels).toEqual(['melanoma']);
  });

  it('2024: target, patient and lesion, without the measurements of the camera', async () => {
    const root = folderWith({
      'train-metadata.csv': table(
        'isic_id,target,patient_id,age_approx,sex,tbp_lv_A,tbp_lv_location_simple,attribution,copyright_license,lesion_id,iddx_full,iddx_1',
        'ISIC_1,0,IP_1,60.0,male,20.2,Torso,Site A,CC-BY,,Benign,Benign',
        'ISIC_2,1,IP_1,60.0,male,21.2,Leg,Site A,CC-BY,IL_7,Malignant::Melanoma,Malignant',
      ),
      ...named('train-image/image/ISIC_1.jpg', 'train-image/image/ISIC_2.jpg'),
    });
    const data = await readDataset(root);
    expect([data.format, data.labels]).toEqual(['isic2024', ['benign', 'malignant']]);
    expect(data.examples[0]).toMatchObject({ patientId: 'IP_1', attributes: { tbp_lv_location_simple: 'Torso' } });
    expect(data.examples[0]?.lesionId).toBeUndefined();
    expect(data.examples[1]).toMatchObject({ label: 'malignant', lesionId: 'IL_7' });
    expect(data.examples[0]?.attributes).not.toHaveProperty('tbp_lv_A');
    writeFileSync(join(root, 'train-metadata.csv'), table('isic_id,target,patient_id', 'ISIC_1,2,IP_1'));
    await expect(readDataset(root)).rejects.toThrow(/train-metadata.csv:2, column "target": expected 0 or 1.*got "2"/);
  });

  it('2024: truth, metadata and supplement in three tables', async () => {
    const data = await readDataset(
      folderWith({
        'ISIC_2024_Training_GroundTruth.csv': table('isic_id,malignant', 'ISIC_1,0.0', 'ISIC_2,1.0'),
        'ISIC_2024_Training_Metadata.csv': table('isic_id,patient_id,sex', 'ISIC_2,IP_2,male', 'ISIC_1,IP_1,'),
        'ISIC_2024_Training_Supplement.csv': table('isic_id,lesion_id', 'ISIC_2,IL_2'),
        ...named('x/ISIC_1.jpg', 'x/ISIC_2.jpg'),
      }),
    );
    expect(data.examples.map((e) => [e.label, e.patientId, e.lesionId])).toEqual([
      ['benign', 'IP_1', undefined],
      ['malignant', 'IP_2', 'IL_2'],
    ]);
  });
});

describe('PAD-UFES-20', () => {
  it('has patients, lesions and skin types', async () => {
    const header =
      'patient_id,lesion_id,smoke,drink,background_father,background_mother,age,pesticide,gender,skin_cancer_history,cancer_history,has_piped_water,has_sewage_system,fitspatrick,region,diameter_1,diameter_2,diagnostic,itch,grew,hurt,changed,bleed,elevation,img_id,biopsed';
    const row = (id: string, label: string, type: string): string =>
      `PAT_${id},${id},,,,,55,,FEMALE,,,,,${type},NECK,6.0,5.0,${label},True,UNK,False,,,,PAT_${id}_1_1.png,True`;
    const data = await readDataset(
      folderWith({
        'metadata.csv': table(header, row('1', 'BCC', '3.0'), row('2', 'NEV', ''), row('3', 'ACK', '')),
        ...named('imgs_part_1/PAT_1_1_1.png', 'imgs_part_3/PAT_2_1_1.png', 'imgs_part_2/PAT_3_1_1.png'),
      }),
    );
    expect(data).toMatchObject({ format: 'pad-ufes-20', labels: ['ACK', 'BCC', 'NEV'] });
    expect(data.taxonomy?.positiveLabels).toEqual(['ACK', 'BCC']);
    expect(data.examples[0]).toMatchObject({
      id: 'PAT_1_1_1.png',
      patientId: 'PAT_1',
      lesionId: '1',
      attributes: { fitspatrick: '3.0', biopsed: 'True', gender: 'FEMALE' },
    });
  });
});

describe('Derm7pt', () => {
  const header =
    'case_num,diagnosis,seven_point_score,pigment_network,streaks,pigmentation,regression_structures,dots_and_globules,blue_whitish_veil,vascular_structures,level_of_diagnostic_difficulty,elevation,location,sex,management,clinic,derm,case_id,notes';
  const row = (n: number, diagnosis: string): string =>
    `${n},${diagnosis},3,absent,absent,absent,absent,absent,absent,absent,low,flat,back,female,excision,A/clin${n}.jpg,A/derm${n}.jpg,,`;
  const files = {
    'meta/meta.csv': table(header, row(1, 'clark nevus'), row(2, 'melanoma (in situ)'), row(3, 'vascular lesion')),
    'meta/train_indexes.csv': table('indexes', '0'),
    'meta/valid_indexes.csv': table('indexes', '2'),
    'meta/test_indexes.csv': table('indexes', '1'),
    ...named(...[1, 2, 3].flatMap((n) => [`images/A/clin${n}.jpg`, `images/A/derm${n}.jpg`])),
  };

  it('has groups, splits by index and two pictures a case', async () => {
    const root = folderWith(files);
    const data = await readDataset(root);
    expect(data).toMatchObject({ format: 'derm7pt', labels: ['MEL', 'MISC', 'NEV'] });
    expect(data.taxonomy?.positiveLabels).toEqual(['MEL']);
    expect(data.examples.map(({ id, lesionId, split }) => [id, lesionId, split])).toEqual([
      ['images/A/derm1.jpg', '1', 'train'],
      ['images/A/derm2.jpg', '2', 'test'],
      ['images/A/derm3.jpg', '3', 'val'],
    ]);
    expect(data.examples[1]?.attributes).toMatchObject({ diagnosis: 'melanoma (in situ)', location: 'back' });
    const photographs = await readDataset(join(root, 'meta/meta.csv'), { image: 'clinic', label: 'diagnosis' });
    expect(photographs.examples[0]?.id).toBe('images/A/clin1.jpg');
    expect(photographs.taxonomy?.positiveLabels).toEqual(['melanoma (in situ)']);
  });

  it.each([
    ['meta/meta.csv', table(header, row(1, 'flu')), /meta.csv:2, column "diagnosis"/],
    [
      'meta/test_indexes.csv',
      table('indexes', '3'),
      /test_indexes.csv:2, column "indexes": expected a row from 0 to 2/,
    ],
    ['meta/test_indexes.csv', table('indexes', '1', '2'), /test_indexes.csv:3, column "indexes".*not in val too/],
  ])('names the cell of %s that is wrong', async (name, content, message) => {
    await expect(readDataset(folderWith({ ...files, [name]: content }))).rejects.toThrow(message);
  });
});

describe('DDI', () => {
  it('is malignant or not, with skin tones', async () => {
    const root = folderWith({
      'ddi_metadata.csv': table(
        ',DDI_ID,DDI_file,skin_tone,malignant,disease',
        '0,1,000001.png,56,True,melanoma-in-situ',
        '1,2,000002.png,12,False,melanocytic-nevi',
      ),
      ...named('000001.png', '000002.png'),
    });
    const data = await readDataset(root);
    expect(data).toMatchObject({ format: 'ddi', labels: ['benign', 'malignant'] });
    expect(data.examples[0]).toMatchObject({
      id: '000001.png',
      label: 'malignant',
      attributes: { DDI_ID: '1', skin_tone: '56', disease: 'melanoma-in-situ' },
    });
    expect((await readDataset(root, { label: 'disease' })).taxonomy?.positiveLabels).toEqual(['melanoma-in-situ']);
  });
});

describe('Fitzpatrick17k', () => {
  const header =
    'md5hash,fitzpatrick_scale,fitzpatrick_centaur,label,nine_partition_label,three_partition_label,qc,url,url_alphanum';
  it('has three parts, skin types, and rows that are known to be wrong', async () => {
    const root = folderWith({
      'fitzpatrick17k.csv': table(
        header,
        'aa,3,3,melanoma,malignant melanoma,malignant,,http://x/1,x1',
        'bb,-1,2,psoriasis,inflammatory,non-neoplastic,1 Diagnostic,http://x/2,x2',
        'cc,5,5,keloid,benign dermal,benign,,http://x/3,x3',
        'dd,5,5,keloid,benign dermal,benign,3 Wrongly labelled,http://x/4,x4',
      ),
      ...named('images/aa.jpg', 'images/bb.jpg', 'images/cc.jpg', 'images/dd.jpg'),
    });
    const data = await readDataset(root);
    expect(data).toMatchObject({ format: 'fitzpatrick17k', labels: ['benign', 'malignant', 'non-neoplastic'] });
    expect(data.taxonomy?.positiveLabels).toEqual(['malignant']);
    expect(data.examples.map(({ attributes }) => attributes.fitzpatrick_scale)).toEqual(['3', '', '5']);
    expect(data.problems.map(({ kind }) => kind)).toEqual(['excluded']);
    expect((await readDataset(root, { label: 'label' })).taxonomy?.positiveLabels).toEqual(['melanoma']);
    writeFileSync(join(root, 'fitzpatrick17k.csv'), table(header, 'aa,7,3,melanoma,malignant melanoma,malignant,,,'));
    await expect(readDataset(root)).rejects.toThrow(/fitzpatrick17k.csv:2, column "fitzpatrick_scale".*got "7"/);
  });
});

describe('a mapping for any other table', () => {
  const csv = table(
    'case,eye,Outcome,Subject,Mole,Clinic,Fold,Age at visit,Gender',
    '1,L,mel,S1,M1,north,training,60,f',
    '2,R,nv,S2,M2,south,test,,m',
  );
  const mapping = {
    label: 'Outcome',
    patient: 'Subject',
    group: 'Mole',
    source: 'Clinic',
    split: 'Fold',
    path: 'photos/{Subject}/{case}-{eye}.jpg',
    attributes: { age: 'Age at visit', site: 'Clinic' },
  };
  const root = folderWith({ 'cases.csv': csv, ...named('photos/S1/1-L.jpg', 'photos/S2/2-R.jpg') });

  it('says what each column is, and where images lie', async () => {
    const data = await readDataset(root, mapping);
    expect(data.examples).toEqual([
      {
        id: 'photos/S1/1-L.jpg',
        path: join(root, 'photos/S1/1-L.jpg'),
        label: 'mel',
        patientId: 'S1',
        lesionId: 'M1',
        source: 'north',
        split: 'train',
        attributes: { case: '1', eye: 'L', age: '60', site: 'north', Gender: 'f' },
      },
      expect.objectContaining({ id: 'photos/S2/2-R.jpg', split: 'test' }),
    ]);
  });

  it.each([
    { patient: 'Nobody' },
    { split: 'Folds' },
    { path: 'photos/{Subjects}.jpg' },
    { attributes: { age: 'Years' } },
  ])('names what is not there: %j', async (wrong) => {
    const error = await readDataset(root, { ...mapping, ...wrong }).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(UsageError);
    expect(String(error)).toMatch(/cases.csv: expected the column ".*" \(columns\./);
  });

  it('does not let a path lead out of the folder', async () => {
    mkdirSync(join(root, 'out'), { recursive: true });
    const wild = folderWith({ 'cases.csv': table('name,label', '../../etc/x,a', '1,b'), ...named('p/1.jpg') });
    const data = await readDataset(wild, { path: 'p/{name}.jpg', minLabels: 1 });
    expect(data.problems.map(({ kind }) => kind)).toEqual(['missing-file']);
  });
});

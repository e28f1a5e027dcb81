import type { IncomingMessage } from 'node:http';

const onObject: Readonly<Record<string, string>> = {
  GET: 'GetObject',
  HEAD: 'HeadObject',
  PUT: 'PutObject',
  DELETE: 'DeleteObject',
  POST: 'PostObject',
};
const onBucket: Readonly<Record<string, string>> = {
  GET: 'ListObjects',
  HEAD: 'HeadBucket',
  PUT: 'CreateBucket',
  DELETE: 'DeleteBucket',
  POST: 'PostObject',
};

/** The name of an S3 request's action: REST has none on the wire. */
export function actionOfS3(request: IncomingMessage, url: URL): string {
  const method = request.method ?? 'GET';
  const query = url.searchParams;
  const [bucket, ...key] = url.pathname.split('/').filter((segment) => segment !== '');
  if (bucket === undefined) return 'ListBuckets';
  if (query.has('delete')) return 'DeleteObjects';
  if (query.has('uploads')) return 'CreateMultipartUpload';
  if (query.has('partNumber')) return 'UploadPart';
  if (query.has('uploadId'))
    return method === 'POST' ? 'CompleteMultipartUpload' : 'AbortMultipartUpload';
  if (key.length === 0)
    return query.get('list-type') === '2' ? 'ListObjectsV2' : (onBucket[method] ?? method);
  if (request.headers['x-amz-copy-source'] !== undefined) return 'CopyObject';
  return onObject[method] ?? method;
}
